"""Which encoder an output gets, and with which options."""

from __future__ import annotations

from pathlib import Path
from typing import Any

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
        (EncoderSettings(), "video", MediaError, "names no video that can be written"),
        (EncoderSettings(crf=52), "a.mkv", ConfigError, "crf 52 is out of range; libx264 takes 0 to 51"),
        (EncoderSettings(preset="slow"), "a.webm", ConfigError, "libvpx-vp9 has no presets"),
    ],
)
def test_settings_that_do_not_fit_are_refused(
    settings: EncoderSettings, target: str, error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        settings.options(settings.codec_for(Path(target)))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"codec": "divx"}, "no encoder 'divx'; choose one of h264, hevc, av1, vp9, prores, libx264"),
        ({"crf": 20, "quality": "low"}, "quality and crf say the same"),
        ({"crf": 99}, "crf 99 is out of range; give 0 to 63"),
        ({"crf": "20"}, "EncoderSettings.crf is '20'; give a whole number or None"),
        ({"codec": "h264", "crf": 60}, "crf 60 is out of range; libx264 takes 0 to 51"),
        ({"codec": "h264", "preset": "warp"}, "libx264 has no preset 'warp'"),
        ({"codec": "ffv1", "quality": "low"}, "is lossless and has no quality"),
        ({"codec": "ffv1", "crf": 10}, "is lossless and has no crf"),
        ({"codec": "ffv1", "preset": "fast"}, "has no presets"),
        ({"codec": "hevc", "crf": 0}, "cannot be lossless here"),
        ({"effort": "quick"}, "EncoderSettings.effort is 'quick'; give 'fast', 'balanced' or 'best'"),
        ({"codec_threads": 0}, "codec_threads is 0; give 1 or more"),
        ({"keep_format": "yes"}, "EncoderSettings.keep_format is 'yes'; give True or False"),
    ],
)
def test_settings_check_themselves(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        EncoderSettings(**settings)
