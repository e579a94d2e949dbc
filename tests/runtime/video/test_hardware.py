"""Hardware decoders and encoders: what is used instead where none works, which is all a test can try."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
from tests.conftest import write_tiny_model
from tests.videos import Video, luma_of, read_frames, write_video

from cgan_runtime.cli import main
from cgan_runtime.errors import ConfigError, MediaError
from cgan_runtime.video import hardware
from cgan_runtime.video.hardware import decoder_for, encoder_for
from cgan_runtime.video.read.reader import VideoReader
from cgan_runtime.video.read.sources import FFmpegInput
from cgan_runtime.video.write.codecs import ENCODERS, EncoderSettings

HARDWARE_ENCODERS = [name for name, encoder in ENCODERS.items() if encoder.stand_in]


@pytest.fixture
def video(tmp_path: Path) -> Path:
    return write_video(tmp_path / "in.mp4", Video(frames=6))


def color(video: Path, *options: str) -> int:
    model = write_tiny_model(video.parent / "tiny.onnx")
    with pytest.raises(SystemExit) as left:
        main(["--video", str(video), "--model", str(model), "--overwrite", *options])
    return int(left.value.code or 0)


def lumas(path: Path) -> list[bytes]:
    return [luma_of(frame).tobytes() for frame in read_frames(path)]


class HardwareReader(VideoReader):
    """A video that a device seems to decode."""

    in_hardware = True


def refuse(path: Path | FFmpegInput, *, stream: int | None = None, hardware: str | None = None) -> VideoReader:
    """A reader on a machine on which no device works."""
    if hardware is not None:
        raise MediaError("no") from OSError(1, "Operation not permitted")
    return VideoReader(path, stream=stream)


class TestDecoder:
    def test_none_is_not_tried(self, video: Path) -> None:
        assert decoder_for(video, "none") == (None, None)

    def test_auto_takes_the_first_that_works(self, video: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        tried = []

        def some(path: Path, *, stream: int | None = None, hardware: str | None = None) -> VideoReader:
            tried.append(hardware)
            return refuse(path, hardware=hardware) if hardware == "cuda" else HardwareReader(path)

        monkeypatch.setattr(hardware, "VideoReader", some)
        monkeypatch.setattr(hardware, "hwdevices_available", lambda: ["drm", "vaapi", "cuda", "qsv"])
        assert decoder_for(video, "auto") == ("vaapi", None)
        assert tried == ["cuda", "vaapi"]
        monkeypatch.setattr(HardwareReader, "in_hardware", False)
        name, note = decoder_for(video, "qsv")
        assert name is None
        assert "qsv: it does not decode h264" in str(note)
        monkeypatch.setattr(HardwareReader, "in_hardware", True)
        assert decoder_for(video, "qsv") == ("qsv", None)

    @pytest.mark.parametrize("asked", ["auto", "cuda", "abacus"])
    def test_a_decoder_that_does_not_work_is_one_note(
        self, asked: str, video: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(hardware, "VideoReader", refuse)
        monkeypatch.setattr(hardware, "hwdevices_available", lambda: ["cuda"])
        name, note = decoder_for(video, asked)
        assert name is None
        assert note is not None
        assert "the CPU decodes it" in note
        assert ("Operation not permitted" in note) == (asked != "abacus")
        assert "\n" not in note

    def test_a_pipe_is_not_tried(self) -> None:
        name, note = decoder_for(FFmpegInput("standard input"), "auto")
        assert name is None
        assert "read only once" in str(note)

    def test_without_a_device_the_command_makes_the_same_video(
        self, video: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        outputs = []
        for asked in ("none", "abacus"):
            target = video.with_name(f"{asked}.mkv")
            assert color(video, "-o", str(target), "--codec", "ffv1", "--hwaccel", asked) == 0
            outputs.append(lumas(target))
        assert outputs[0] == outputs[1]
        assert capsys.readouterr().err.count("the CPU decodes it") == 1


class TestEncoder:
    @pytest.mark.parametrize("codec", HARDWARE_ENCODERS)
    def test_an_encoder_that_does_not_work_is_replaced_by_software(
        self, codec: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def fail(*_: object) -> None:
            raise OSError(1, "Operation not permitted")

        monkeypatch.setattr(hardware, "_try_encoder", fail)
        settings, note = encoder_for(EncoderSettings(codec))
        assert settings == EncoderSettings("libx264")
        assert note is not None
        assert f"{codec} does not work here" in note

    @pytest.mark.parametrize("codec", [None, "libx264", "ffv1"])
    def test_software_is_not_tried(self, codec: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(hardware, "_try_encoder", lambda *_: pytest.fail("tried"))
        assert encoder_for(EncoderSettings(codec)) == (EncoderSettings(codec), None)

    def test_an_encoder_that_works_is_kept(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setitem(ENCODERS, "libx264", dataclasses.replace(ENCODERS["libx264"], stand_in="ffv1"))
        assert encoder_for(EncoderSettings("libx264", 20)) == (EncoderSettings("libx264", 20), None)

    def test_crf_sets_the_quality_option_of_each_encoder(self) -> None:
        assert EncoderSettings("h264_nvenc", 23).options("h264_nvenc")["cq"] == "23"
        assert EncoderSettings("hevc_amf", 23).options("hevc_amf")["qp_p"] == "23"
        with pytest.raises(ConfigError, match="cannot be lossless"):
            EncoderSettings("h264_qsv", 0).options("h264_qsv")

    def test_an_encoder_of_packed_chroma_gets_it(self, video: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """Tried with x264, which takes packed chroma, too: the luma stays bit for bit."""
        target = video.with_name("packed.mkv")
        packed = dataclasses.replace(ENCODERS["libx264"], packed={"yuv420p": "nv12"})
        monkeypatch.setitem(ENCODERS, "libx264", packed)
        assert color(video, "-o", str(target), "--codec", "libx264", "--crf", "0") == 0
        assert lumas(target) == lumas(video)

    def test_the_command_works_without_the_encoder(self, video: Path, capsys: pytest.CaptureFixture[str]) -> None:
        assert color(video, "-o", str(video.with_name("out.mp4")), "--codec", "hevc_videotoolbox") == 0
        if "hevc_videotoolbox" in (said := capsys.readouterr().err):
            assert "libx264 is used instead" in said
