"""Names, containers and encoders of outputs; unfinished files do not appear."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from cgan_runtime.errors import MediaError
from cgan_runtime.files.atomic import replacing
from cgan_runtime.files.output import FileOutput, PipeOutput, check_output, default_output, output_for
from cgan_runtime.video.write.codecs import EncoderSettings, video_suffix


@pytest.mark.parametrize(
    ("source", "codec", "name"),
    [
        ("a/video.mp4", None, "video.color.mp4"),
        ("video.MOV", None, "video.color.MOV"),
        ("video.webm", None, "video.color.webm"),
        ("video.webm", "libx264", "video.color.mkv"),
        ("video.mp4", "ffv1", "video.color.mkv"),
        ("video.avi", None, "video.color.mkv"),
        ("video.mpg", None, "video.color.mkv"),
        ("video", None, "video.color.mkv"),
        ("my.holiday.mkv", None, "my.holiday.color.mkv"),
    ],
)
def test_the_default_output(source: str, codec: str | None, name: str) -> None:
    path = Path(source)
    assert default_output(path, video_suffix(path, EncoderSettings(codec))) == path.parent / name


def test_outputs_that_cannot_be_written_are_refused(tmp_path: Path) -> None:
    source = tmp_path / "in.mp4"
    source.write_bytes(b"video")
    (tmp_path / "there.mp4").write_bytes(b"older")
    (tmp_path / "link.mp4").symlink_to(source)
    for target, message in [
        (tmp_path / "none" / "a.mp4", "no folder"),
        (source / "a.mp4", "no folder"),  # a file is no folder
        (tmp_path, "is a folder"),
        (source, "is the input itself"),
        (tmp_path / "." / "in.mp4", "is the input itself"),
        (tmp_path / "link.mp4", "is the input itself"),
        (tmp_path / "there.mp4", "exists already; .*--overwrite"),
    ]:
        with pytest.raises(MediaError, match=message):
            check_output(target, source=source, overwrite=False)
    with pytest.raises(MediaError, match="is the input itself"):
        check_output(source, source=source, overwrite=True)
    check_output(tmp_path / "there.mp4", source=source, overwrite=True)
    check_output(tmp_path / "new.mp4", source=source, overwrite=False)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in.mp4", "link.mp4", "there.mp4"]


@pytest.mark.skipif(not Path("/proc/self").is_dir(), reason="needs a folder where even root may not write")
def test_a_folder_that_cannot_be_written_is_refused() -> None:
    with pytest.raises(MediaError, match="cannot write into /proc/self"):
        check_output(Path("/proc/self/out.mp4"), source=Path("in.mp4"), overwrite=False)


def test_a_file_appears_only_when_it_is_complete(tmp_path: Path) -> None:
    target = tmp_path / "out.mp4"
    with replacing(target) as temporary:
        assert (temporary.parent, temporary.suffix) == (tmp_path, ".mp4")
        temporary.write_bytes(b"video")
        assert not target.exists()
    assert target.read_bytes() == b"video"
    assert list(tmp_path.iterdir()) == [target]


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, SystemExit])
def test_an_error_leaves_the_existing_file(error: type[BaseException], tmp_path: Path) -> None:
    target = tmp_path / "out.mp4"
    target.write_bytes(b"older")

    def half_way() -> None:
        with replacing(target) as temporary:
            temporary.write_bytes(b"half")
            raise error

    with pytest.raises(error):
        half_way()
    assert target.read_bytes() == b"older"
    assert list(tmp_path.iterdir()) == [target]


def test_a_link_stays_a_link_and_new_files_get_the_default_mode(tmp_path: Path) -> None:
    (tmp_path / "link.mp4").symlink_to(tmp_path / "real.mp4")
    with replacing(tmp_path / "link.mp4") as temporary:
        temporary.write_bytes(b"video")
    assert (tmp_path / "link.mp4").is_symlink()
    assert (tmp_path / "real.mp4").read_bytes() == b"video"
    plain = tmp_path / "plain"
    plain.touch()
    assert os.stat(tmp_path / "real.mp4").st_mode == plain.stat().st_mode  # noqa: PTH116


def test_a_file_is_written_as_a_draft_and_published(tmp_path: Path) -> None:
    output = output_for(tmp_path / "Out.MP4")
    assert (output.suffix, output.images, str(output)) == (".mp4", None, str(tmp_path / "Out.MP4"))
    output.begin()
    output.destination.write_bytes(b"video")
    assert (output.destination.parent, output.destination.suffix) == (tmp_path, ".MP4")
    output.publish(overwrite=False)
    assert ([path.name for path in tmp_path.iterdir()], output.size) == (["Out.MP4"], 5)


def test_a_draft_does_not_replace_a_file_without_overwrite(tmp_path: Path) -> None:
    target, folder = tmp_path / "out.mkv", tmp_path / "work"
    folder.mkdir()
    output = FileOutput(target)
    output.begin(folder)
    output.destination.write_bytes(b"new")
    target.write_bytes(b"old")
    with pytest.raises(MediaError, match="has appeared during the run"):
        output.publish(overwrite=False)
    assert target.read_bytes() == b"old"
    output.discard()
    assert not list(folder.iterdir())


def test_each_kind_of_output_is_found() -> None:
    pipe, sequence = PipeOutput(".y4m"), output_for(Path("frames/%05d.PNG"))
    assert output_for(pipe) is pipe
    assert (pipe.path, pipe.destination, str(pipe)) == (None, pipe, "standard output")
    assert sequence.images is not None
    assert (sequence.images.path(7), sequence.suffix) == (Path("frames/00007.PNG"), ".png")
    assert isinstance(output_for(Path("%05d.mp4")), FileOutput)
