"""Runs one probe and prints its findings, one JSON object a line: `python -m cgan_runtime.doctor.probes NAME`.

Each finding is printed as soon as there is one, so that a crash later on does not lose it.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable
from functools import partial

from cgan_runtime.doctor.finding import Finding
from cgan_runtime.doctor.probes import backends, live, media, tools

PROBES: dict[str, Callable[[], Iterable[Finding]]] = {
    "libraries": tools.libraries,
    "gpu": backends.gpu,
    "codecs": media.codecs,
    "camera": live.cameras,
    "screen": live.screen,
    "virtual-camera": live.virtual_camera,
    "page": live.page,
    "ray": tools.ray,
}


def main(name: str) -> None:
    """Run a probe by its name, `backend:openvino` for a back end."""
    kind, _, what = name.partition(":")
    probe = partial(backends.backend, what) if kind == "backend" else PROBES[name]
    for finding in probe():
        print(json.dumps(finding.to_json()), flush=True)


if __name__ == "__main__":
    main(sys.argv[1])
