"""The libraries that cgan is made of, and Ray."""

from __future__ import annotations

import importlib
import os
from collections.abc import Iterator

from cgan_runtime.doctor.finding import MISSING, OK, PROBLEM, Finding, install_extra, reinstall, version_of

_LIBRARIES = {"numpy": "numpy", "cv2": "opencv-python", "av": "av", "PIL": "pillow"}  # modules, and their packages
_CLASH = ("onnxruntime", "onnxruntime-gpu")
_LACKING = "cannot open shared object file"  # Linux: a library of the system that another one needs


def libraries() -> Iterator[Finding]:
    """Import what every command needs, and look for packages that overwrite each other."""
    group = "System"
    versions = {"cgan": version_of("cgan")}
    for module, package in _LIBRARIES.items():
        headless = f"{package}-headless"
        found = headless if version_of(package) is None and version_of(headless) else package
        versions[found] = version_of(found)
        try:
            importlib.import_module(module)
        except ImportError as error:
            advice, mend = "Install it again", found
            if _LACKING in str(error) and module == "cv2":
                advice, mend = "Install the OpenCV without windows, which needs no library of a desktop", headless
            text, advice = f"cannot be loaded ({' '.join(str(error).split())})", f"{advice}, then try all else."
            yield Finding(group, found, PROBLEM, text, advice, (reinstall(mend),), {"loads": False})
    if all(map(version_of, _CLASH)):
        yield Finding(
            group, _CLASH[0], PROBLEM, f"{' and '.join(_CLASH)} are both installed, and overwrite each other",
            f"Uninstall both, then install the one that you want: {' or '.join(_CLASH)}.",
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
