"""The libraries that cgan is made of, and Ray."""

from __future__ import annotations

import importlib
import os
from collections.abc import Iterator

from cgan_runtime.doctor.finding import MISSING, OK, PROBLEM, Finding, install, install_extra, version_of

_LIBRARIES = {"numpy": "numpy", "cv2": "opencv-python", "av": "av", "PIL": "pillow"}  # modules, and their packages
_CLASHES = (("onnxruntime", "onnxruntime-gpu"), ("opencv-python", "opencv-python-headless"))


def libraries() -> Iterator[Finding]:
    """Import what every command needs, and look for packages that overwrite each other."""
    group = "System"
    versions = {"cgan": version_of("cgan")}
    for module, package in _LIBRARIES.items():
        versions[package] = version_of(package, f"{package}-headless")
        try:
            importlib.import_module(module)
        except ImportError as error:
            yield Finding(
                group, package, PROBLEM, f"cannot be loaded ({' '.join(str(error).split())})", "Install it again.",
                (install("--force-reinstall", package),),
            )  # fmt: skip
    for pair in _CLASHES:
        if all(map(version_of, pair)):
            yield Finding(
                group, pair[0], PROBLEM, f"{' and '.join(pair)} are both installed, and overwrite each other",
                f"Uninstall both, then install the one that you want: {' or '.join(pair)}.",
            )  # fmt: skip
    text = ", ".join(f"{name} {version}" for name, version in versions.items() if version)
    yield Finding(group, "Packages", OK, text, figures=versions)


def ray() -> Iterator[Finding]:
    """Import Ray; no cluster is started or called."""
    group, version = "Archives", version_of("ray")
    if version is None:
        text = "not installed; only --cluster needs it"
        yield Finding(group, "Ray", MISSING, text, "Add clusters and URLs.", (install_extra("cluster"),))
        return
    importlib.import_module("cgan_runtime.batch.ray.cluster")
    address = os.environ.get("RAY_ADDRESS")
    where = f"; RAY_ADDRESS is {address}" if address else "; --cluster starts one of this machine, or joins yours"
    yield Finding(group, "Ray", OK, f"{version}{where}", figures={"version": version, "address": address})
