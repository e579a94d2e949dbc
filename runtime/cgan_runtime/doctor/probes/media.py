"""Encoders and decoders, in software and in hardware, each tried with a frame."""

from __future__ import annotations

from collections.abc import Iterator

from cgan_runtime.doctor.finding import MISSING, OK, PROBLEM, Finding
from cgan_runtime.video.trials import try_decoders, try_devices, try_encoders
from cgan_runtime.video.write.codecs import COMMON_NAMES

GROUP = "Video"


def codecs() -> Iterator[Finding]:
    """Try all that cgan-run can be asked for."""
    software, hardware = try_encoders()
    names = {encoder: codec for codec, encoder in COMMON_NAMES.items()}
    yield _software("Encoders", {names.get(encoder, encoder): why for encoder, why in software.items()})
    yield _software("Decoders", try_decoders())
    yield _hardware("GPU encoders", hardware)
    yield _hardware("GPU decoders", try_devices())


def _software(name: str, tried: dict[str, str | None]) -> Finding:
    failed = {each: why for each, why in tried.items() if why}
    text = ", ".join(each for each in tried if each not in failed)
    if failed:
        text += f"; not {', '.join(f'{each} ({why})' for each, why in failed.items())}"
        return Finding(
            GROUP, name, PROBLEM, text, "Install av, PyAV's package, from its wheel: it brings its own FFmpeg.",
            figures=tried,
        )  # fmt: skip
    return Finding(GROUP, name, OK, text, figures=tried)


def _hardware(name: str, tried: dict[str, str | None]) -> Finding:
    works = [each for each, why in tried.items() if why is None]
    if works:
        return Finding(GROUP, name, OK, ", ".join(works), figures=tried)
    return Finding(GROUP, name, MISSING, "none works here: the processor does it", figures=tried)
