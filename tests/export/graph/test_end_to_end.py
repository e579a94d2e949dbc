"""Whole-image models: what other people's programs get is what `cgan-run` makes, of any image."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import onnx
import pytest
from tests.conftest import TINY_MULTIPLE, TINY_SIZE, write_tiny_model
from tests.paths import SHARED

from cgan_export.cli import main as export_main
from cgan_export.graph.cpu_engines import ENGINES, ColorImage, open_image_model
from cgan_export.graph.end_to_end import end_to_end, shapes_by_aspect
from cgan_export.graph.trace import tensor_of
from cgan_runtime.backends.registry import open_backend
from cgan_runtime.cli import main as run_main
from cgan_runtime.colorizer import Colorizer
from cgan_runtime.errors import ModelFileError
from cgan_runtime.manifest import Manifest, sha256_of
from cgan_runtime.models import bundled_model
from cgan_runtime.network_shape import network_shape
from cgan_train.data.sources import open_photos
from cgan_train.evaluation.comparison_photos import comparison_photos

PHOTOS = SHARED / "data" / "photos-val.tar"
SIZES = ((403, 611), (1, 1), (300, 1), (31, 700), (250, 33), (577, 256))
"""Odd ones, tall and wide ones, smaller and larger than the network's."""

Image = npt.NDArray[np.uint8]


def wrapped(network: Path, path: Path, **network_of: int) -> Path:
    """A network as a whole-image model with its manifest."""
    model = end_to_end(onnx.load(network), **network_of)
    onnx.save(model, path)
    Manifest(
        name="whole", file=path.name, sha256=sha256_of(path), precision="fp32", weights="fp32", opset=17,
        size=network_of["side"], size_multiple=network_of["multiple"], recipe="tiny", kind="image",
        inputs=(tensor_of(model.graph.input[0]),), outputs=(tensor_of(model.graph.output[0]),),
    ).save(path)  # fmt: skip
    return path


@pytest.fixture(scope="module", params=ENGINES)
def shipped(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> ColorImage:
    """The model that ships, wrapped, in each engine."""
    pytest.importorskip(request.param)
    path = tmp_path_factory.mktemp("whole") / "edge-end-to-end.onnx"
    return open_image_model(wrapped(bundled_model(), path, side=256, multiple=32), request.param)


def grays(count: int) -> list[Image]:
    """Real photographs in odd sizes."""
    photos = comparison_photos(PHOTOS if PHOTOS.is_file() else None)
    sizes = [SIZES[number % len(SIZES)] for number in range(count)]
    return [
        np.asarray(cv2.resize(cv2.cvtColor(photo, cv2.COLOR_RGB2GRAY), (w, h), interpolation=cv2.INTER_AREA))
        for photo, (h, w) in zip(photos, sizes, strict=False)
    ]


def test_an_image_equals_the_output_of_cgan_run(shipped: ColorImage, tmp_path: Path) -> None:
    """Through the command, file to file, on photographs of odd sizes."""
    for number, gray in enumerate(grays(len(SIZES))):
        source, target = tmp_path / f"{number}.png", tmp_path / f"{number}.color.png"
        assert cv2.imwrite(str(source), gray)
        with pytest.raises(SystemExit) as left:
            run_main(["--image", str(source), "-o", str(target), "--backend", "onnxruntime", "-q"])
        assert left.value.code == 0
        wanted = cv2.imread(str(target), cv2.IMREAD_COLOR_RGB)
        found = shipped(gray)
        assert found.dtype == np.uint8
        assert found.shape == (*gray.shape, 3)
        assert int(cv2.absdiff(wanted, found).max()) <= 2
        if min(gray.shape) > 30:
            assert np.ptp(found.astype(int), axis=2).mean() > 3  # in color


@pytest.mark.parametrize("level", [0, 1, 127, 254, 255])
def test_flat_images_keep_their_lightness(shipped: ColorImage, level: int) -> None:
    found = shipped(np.full((60, 80), level, np.uint8))
    lightness = cv2.cvtColor(found, cv2.COLOR_RGB2LAB)[..., 0].astype(int)
    gray = cv2.cvtColor(np.full((1, 1, 3), level, np.uint8), cv2.COLOR_RGB2LAB)[0, 0, 0]
    assert abs(lightness - int(gray)).max() <= 2
    if level in (0, 255):
        assert set(np.unique(found)) == {level}


@pytest.mark.slow
@pytest.mark.skipif(not PHOTOS.is_file(), reason=f"no photographs at {PHOTOS}")
def test_many_photographs_in_their_own_sizes(shipped: ColorImage) -> None:
    photos = open_photos(PHOTOS)
    with Colorizer(open_backend(bundled_model(), "onnxruntime")) as colorizer:
        for number in range(0, len(photos), 10):
            gray = cv2.cvtColor(photos.read(number), cv2.COLOR_RGB2GRAY)
            assert int(cv2.absdiff(colorizer.image(gray), shipped(gray)).max()) <= 2


@pytest.mark.parametrize(("side", "multiple"), [(256, 32), (64, 16), (32, 32), (192, 8), (2048, 32)])
def test_the_table_of_shapes_is_the_runtimes_choice(side: int, multiple: int) -> None:
    limits, heights, widths = shapes_by_aspect(side, multiple)
    assert limits.dtype == np.float32
    assert (np.diff(limits) >= 0).all()
    rng = np.random.default_rng(1)
    usual = [(1080, 1920), (480, 640), (350, 400), (400, 350), (700, 800), (320, 704), (1000, 3500)]
    for height, width in (*usual, *rng.integers(1, 4000, (2000, 2)), *rng.integers(1, 40, (2000, 2)) * 16):
        place = int((np.float32(width) / np.float32(height) >= limits).sum())
        wanted = network_shape(int(width) / int(height), side, multiple)
        assert (int(heights[place]), int(widths[place])) == wanted, (height, width)


@pytest.mark.parametrize("engine", ENGINES)
def test_a_fixed_network_sees_every_image_in_its_shape(tmp_path: Path, engine: str) -> None:
    pytest.importorskip(engine)
    network = write_tiny_model(tmp_path / "tiny.onnx", shape=(32, 96))
    path = wrapped(network, tmp_path / "whole.onnx", side=TINY_SIZE, multiple=TINY_MULTIPLE)
    run = open_image_model(path, engine)
    with Colorizer(open_backend(network, "onnxruntime")) as colorizer:
        for gray in grays(3):
            assert int(cv2.absdiff(colorizer.image(gray), run(gray)).max()) <= 2


def test_images_of_a_batch_are_colored_as_each_alone(tmp_path: Path, tiny_model: Path) -> None:
    onnxruntime = pytest.importorskip("onnxruntime")
    path = wrapped(tiny_model, tmp_path / "whole.onnx", side=TINY_SIZE, multiple=TINY_MULTIPLE)
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    batch = np.stack([cv2.resize(gray, (90, 61)) for gray in grays(3)])
    together = session.run(["rgb"], {"gray": batch})[0]
    assert together.shape == (3, 61, 90, 3)
    for gray, found in zip(batch, together, strict=True):
        np.testing.assert_array_equal(session.run(["rgb"], {"gray": gray[None]})[0][0], found)


def test_a_second_input_of_the_network_gets_zeros(tmp_path: Path, tiny_model: Path) -> None:
    hinted = write_tiny_model(tmp_path / "hinted.onnx", hints=True)
    plain, other = (
        open_image_model(
            wrapped(network, tmp_path / f"{network.stem}-whole.onnx", side=TINY_SIZE, multiple=TINY_MULTIPLE),
            "onnxruntime",
        )
        for network in (tiny_model, hinted)
    )
    for gray in grays(2):
        np.testing.assert_array_equal(plain(gray), other(gray))


def test_every_operator_is_of_a_set_that_tensorrt_8_reads(tmp_path: Path) -> None:
    model = onnx.load(wrapped(bundled_model(), tmp_path / "whole.onnx", side=256, multiple=32))
    assert [(entry.domain, entry.version) for entry in model.opset_import] == [("", 17)]
    bytes_of = {value.name for value in (*model.graph.input, *model.graph.output)}
    casts = [node for node in model.graph.node if bytes_of & {*node.input, *node.output}]
    # TensorRT takes uint8 at a network's ends only, and turns it into floats and back there.
    assert {node.op_type for node in casts} == {"Cast", "Shape"}


def test_the_runtime_says_that_it_takes_the_network_instead(
    tmp_path: Path, tiny_model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = wrapped(tiny_model, tmp_path / "whole.onnx", side=TINY_SIZE, multiple=TINY_MULTIPLE)
    with pytest.raises(ModelFileError, match="takes whole images, for other programs"):
        open_backend(path)
    source = tmp_path / "gray.png"
    assert cv2.imwrite(str(source), grays(1)[0])
    with pytest.raises(SystemExit) as left:
        run_main(["--image", str(source), "--model", str(path)])
    assert left.value.code == 1
    assert capsys.readouterr().err.count("\n") == 1


def test_a_manifest_with_other_tensors_is_refused(tmp_path: Path, tiny_model: Path) -> None:
    path = wrapped(tiny_model, tmp_path / "whole.onnx", side=TINY_SIZE, multiple=TINY_MULTIPLE)
    document = Manifest.path_for(path)
    text = document.read_text()
    for old, new in (('"kind": "image"', '"kind": "network"'), ('"kind": "image"', '"kind": "video"')):
        document.write_text(text.replace(old, new))
        with pytest.raises(ModelFileError, match=r"not those of a colorizer|kind cannot be 'video'"):
            Manifest.load(path)


@pytest.mark.slow
def test_the_command_writes_and_compares_them(
    paper_checkpoint: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = [str(paper_checkpoint), "-o", str(tmp_path), "--end-to-end", "--fp32", "--fp16"]
    with pytest.raises(SystemExit) as left:
        export_main(arguments)
    assert left.value.code == 0
    assert "codes 0 to 255 from what cgan-run makes" in capsys.readouterr().out
    names = ["paper-end-to-end.onnx", "paper-fp16-end-to-end.onnx"]
    assert sorted(path.name for path in tmp_path.glob("*.onnx")) == names
    for name, most in zip(names, (2, 12), strict=True):
        manifest = Manifest.load(tmp_path / name)
        assert (manifest.kind, manifest.input.dtype, manifest.output.shape[-1]) == ("image", "uint8", 3)
        assert manifest.parity["largest"] <= most == manifest.parity["allowed"]["largest"]
        assert {"largest", "mean", "psnr_db", "ciede2000"} <= manifest.parity.keys()
        onnx.checker.check_model(str(tmp_path / name), full_check=True)
