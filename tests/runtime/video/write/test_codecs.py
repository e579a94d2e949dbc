"""Which encoder an output gets, and with which options."""

from __future__ import annotations

from pathlib import Path

import pytest

from cgan_runtime.errors import ConfigError, MediaError
from cgan_runtime.video.write.codecs import ENCODERS, EncoderSettings


@pytest.mark.parametrize(
    ("settings", "target", "codec", "options"),
    [
        (EncoderSettings(), "a.mp4", "libx264", {"preset": "veryfast", "crf": "18"}),
        (EncoderSettings(crf=23, preset="slow"), "a.mkv", "libx264", {"preset": "slow", "crf": "23"}),
        (EncoderSettings(crf=0), "a.mp4", "libx264", {"preset": "veryfast", "qp": "0"}),
        (EncoderSettings("ffv1"), "a.mkv", "ffv1", {"level": "3", "slicecrc": "1"}),
        (EncoderSettings("h264", quality="low"), "a.mp4", "libx264", {"preset": "veryfast", "crf": "28"}),
        (EncoderSettings("hevc", quality="high"), "a.mp4", "libx265", {"preset": "superfast", "crf": "20"}),
        (EncoderSettings("av1", quality="medium"), "a.mkv", "libsvtav1", {"preset": "10", "crf": "36"}),
        (EncoderSettings("prores"), "a.mov", "prores_ks", {"profile": "3"}),
        (EncoderSettings("prores", quality="low"), "a.mov", "prores_ks", {"profile": "1"}),
        (EncoderSettings(), "a.ts", "libx264", {"preset": "veryfast", "crf": "18"}),
    ],
)
def test_encoder_and_options(settings: EncoderSettings, target: str, codec: str, options: dict[str, str]) -> None:
    assert settings.codec_for(Path(target)) == codec
    assert settings.options(codec) == ENCODERS[codec].options | options


def test_webm_takes_vp9_and_crf_0_is_lossless() -> None:
    assert EncoderSettings().codec_for(Path("a.webm")) == "libvpx-vp9"
    assert EncoderSettings(crf=0).options("libvpx-vp9")["lossless"] == "1"
    assert EncoderSettings().options("libvpx-vp9")["crf"] == "24"


@pytest.mark.parametrize(
    ("settings", "target", "error", "message"),
    [
        (EncoderSettings("ffv1"), "a.mp4", MediaError, r"\.mp4 takes no ffv1; end the output in one of \.mkv"),
        (EncoderSettings("libx264"), "a.webm", MediaError, r"\.webm takes no libx264"),
        (EncoderSettings(), "a.txt", MediaError, "names no video that can be written"),
        (EncoderSettings(), "a.avi", MediaError, "AVI has no presentation times"),
        (EncoderSettings("prores"), "a.mp4", MediaError, r"end the output in one of \.mkv, \.mov"),
        (EncoderSettings("ffv1", quality="low"), "a.mkv", ConfigError, "is lossless and has no quality"),
        (EncoderSettings("hevc", crf=0), "a.mkv", ConfigError, "cannot be lossless here"),
        (EncoderSettings(), "video", MediaError, "names no video that can be written"),
        (EncoderSettings("ffv1", crf=10), "a.mkv", ConfigError, "is lossless and has no crf"),
        (EncoderSettings("ffv1", preset="fast"), "a.mkv", ConfigError, "has no presets"),
        (EncoderSettings(crf=52), "a.mkv", ConfigError, "--crf 52 is not within 0"),
        (EncoderSettings(preset="slow"), "a.webm", ConfigError, "libvpx-vp9 has no presets"),
    ],
)
def test_settings_that_do_not_fit_are_refused(
    settings: EncoderSettings, target: str, error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        settings.options(settings.codec_for(Path(target)))


def test_two_ways_to_state_the_quality_are_refused() -> None:
    with pytest.raises(ConfigError, match="--quality and --crf say the same"):
        EncoderSettings(crf=20, quality="low")


def test_an_unknown_encoder_is_refused() -> None:
    with pytest.raises(ConfigError, match="no encoder 'divx'; choose one of h264, hevc, av1, vp9, prores, libx264"):
        EncoderSettings("divx")
