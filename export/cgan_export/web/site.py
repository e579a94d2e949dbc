"""Writes the site: the page, the engine and a model, in one flat folder that any web server can serve.

written = write_site(Path("edge.onnx"), Path("site"))

Nothing in the folder is made at run time. The service worker knows each file by its hash, so a site that was
changed is loaded anew where it has changed, and works without network otherwise.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path
from typing import Any

from cgan_export.requirements import check_room
from cgan_export.web.engine import WASM, WEBGPU, engine_files
from cgan_runtime.errors import ConfigError
from cgan_runtime.files.staging import publish, staging_folder
from cgan_runtime.manifest import Manifest

POLICY = (
    "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; worker-src 'self'; connect-src 'self'; "
    "img-src 'self' blob:; media-src 'self' blob:; style-src 'self'; manifest-src 'self'; "
    "base-uri 'none'; form-action 'none'"
)
"""The page's Content-Security-Policy: nothing comes from another machine, and nothing goes there."""

MODEL = "model.onnx"
_SERVED = (
    "page.css", "screen.css", "hints.css", "icon.svg", "dom.js", "chroma.js", "stage.js", "figures.js", "graph.js",
    "tips.js", "api.js", "hints.js", "marks.js", "swatches.js", "newest_picture.js", "media_camera.js",
)  # fmt: skip
"""Files that the page shares with the one that `cgan-run --serve` shows."""
_SHARED = re.compile(r"<!-- shared: (\w+) -->\s*(.*?)\s*<!-- end of \1 -->", re.DOTALL)  # in the served index.html
_PLACE = re.compile(r"<!-- shared: (\w+) -->")  # in that of the page
_HASH = 16  # hexadecimal digits that tell two versions of a file apart
_HIDDEN = ".cgan-web-"
_ROOM = 100_000_000  # bytes; the engine and a model take 60 million


def write_site(
    model: Path, folder: Path, *, engine: Path | None = None, overwrite: bool = False,
    report: Callable[[str], None] = lambda _: None,
) -> dict[str, int]:  # fmt: skip
    """Write the site and return its files with their sizes in bytes.

    Args:
        model: An ONNX file with its manifest.
        folder: Made if it is missing. Other files in it stay.
        engine: Folder with the engine's packages; None fetches them once (`cgan_export.web.engine`).
        overwrite: Replace files that exist.
        report: Called with what is being done.

    Raises:
        ModelFileError: The model or its manifest is missing or damaged.
        ConfigError: Browsers cannot run this model, the engine cannot be had, or the folder cannot be written.
    """
    manifest = Manifest.load(model)
    _check_runs(manifest, model)
    check_room(folder, _ROOM)
    content = _page()
    if not overwrite and (there := sorted(name for name in {*content, MODEL} if (folder / name).exists())):
        raise ConfigError(f"{folder / there[0]} exists; give --overwrite to replace it, or another folder with -o")
    content |= engine_files(engine, report)
    content[MODEL] = model.read_bytes()
    content["site.json"] = _site(manifest, {name: len(content[name]) for name in (MODEL, WASM, WEBGPU)})
    content["sw.js"] = _service_worker(content.pop("sw.js"), content)  # the last: it vouches for all others
    report(f"writing {folder}")
    try:
        with staging_folder(folder, _HIDDEN) as hidden:
            for name, data in content.items():
                (hidden / name).write_bytes(data)
            publish([hidden / name for name in content], folder)
    except OSError as error:
        raise ConfigError(
            f"cannot write to {folder} ({error.strerror or error}); free some space, or give another folder with -o"
        ) from error
    return {name: len(data) for name, data in content.items()}


def _check_runs(manifest: Manifest, model: Path) -> None:
    """Refuse a model that no browser runs."""
    if manifest.engine or manifest.kind != "network":
        what = "an engine for one machine" if manifest.engine else "a model from image to image"
        raise ConfigError(f"{model} is {what}; the page takes a network: export it with cgan-export, without options")
    if manifest.precision == "fp16":
        raise ConfigError(f"{model} computes in half precision, which not all browsers do; give its float32 form")


def _page() -> dict[str, bytes]:
    """The page's own files, and those that it shares with the served one, by name."""
    served = files("cgan_runtime.live.server") / "page"
    sources = [*(files(__package__) / "page").iterdir(), *(served / name for name in _SERVED)]
    content = {source.name: source.read_bytes() for source in sources}
    shared = dict(_SHARED.findall((served / "index.html").read_text(encoding="utf-8")))
    text = content["index.html"].decode().replace("POLICY", POLICY)
    content["index.html"] = _PLACE.sub(lambda found: shared[found[1]], text).encode()
    return content


def _site(manifest: Manifest, sizes: dict[str, int]) -> bytes:
    """What the page must know of its model, and the sizes of what it loads, as JSON."""
    document: dict[str, Any] = {
        "model": {
            "file": MODEL, "name": manifest.name, "size": manifest.size, "multiple": manifest.size_multiple,
            "fixed": manifest.fixed_size, "output": manifest.output.name,
            "inputs": [{"name": tensor.name, "shape": tensor.shape} for tensor in manifest.inputs],
        },
        "sizes": {"model": sizes[MODEL], "wasm": sizes[WASM], "webgpu": sizes[WEBGPU]},
    }  # fmt: skip
    return (json.dumps(document, indent=2) + "\n").encode()


def _service_worker(source: bytes, others: dict[str, bytes]) -> bytes:
    """The service worker, which knows all other files by their hashes."""
    hashes = {name: hashlib.sha256(data).hexdigest()[:_HASH] for name, data in sorted(others.items())}
    text = source.decode().replace("const FILES = {}", f"const FILES = {json.dumps(hashes, indent=2)}")
    return text.replace('const POLICY = ""', f"const POLICY = {json.dumps(POLICY)}").encode()
