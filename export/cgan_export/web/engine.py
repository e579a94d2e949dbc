"""The engine of the page: a few files of npm packages, at the versions and hashes of `package-lock.json`.

files = engine_files()                          # {name on the site: bytes}, fetched once into cgan's cache
files = engine_files(Path("packages"))          # from .tgz files that `npm pack` has fetched elsewhere

They are 60 MB, which the plain install does not carry. Node.js is not needed.
"""

from __future__ import annotations

import base64
import hashlib
import io
import json
import os
import tarfile
from collections.abc import Callable
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from urllib.error import URLError
from urllib.request import Request, urlopen

from cgan_runtime.errors import ConfigError
from cgan_runtime.files.atomic import write_file
from cgan_runtime.files.cache import cache_folder

_REGISTRY = "https://registry.npmjs.org"
_REGISTRY_VARIABLES = ("npm_config_registry", "NPM_CONFIG_REGISTRY")  # npm's own, for a mirror
_TIMEOUT = 60.0  # seconds without a byte
_MAX_SIZE = 200_000_000  # bytes of a package; the larger one has 33 million
_INTEGRITY = "sha512-"

WASM, WEBGPU = "ort-wasm-core.wasm", "ort-webgpu-core.wasm"
"""The two engines on the site; a browser loads one of them."""

_FILES = {
    "onnxruntime-web": {
        "dist/ort.wasm.min.mjs": "ort-wasm.js",
        "dist/ort-wasm-simd-threaded.mjs": "ort-wasm-core.js",
        "dist/ort-wasm-simd-threaded.wasm": WASM,
        "dist/ort.jspi.min.mjs": "ort-webgpu.js",
        "dist/ort-wasm-simd-threaded.jspi.mjs": "ort-webgpu-core.js",
        "dist/ort-wasm-simd-threaded.jspi.wasm": WEBGPU,
    },
    "mediabunny": {"dist/bundles/mediabunny.min.mjs": "mediabunny.js", "LICENSE": "mediabunny-license.txt"},
}
"""What the site takes of each package, and its name there. All scripts end in .js: old servers know no .mjs."""


@dataclass(frozen=True)
class Package:
    """A package at the version and hash of the lock file."""

    name: str
    version: str
    integrity: str  # "sha512-" and base64, of its .tgz

    @property
    def file(self) -> str:
        """The name of its .tgz, as `npm pack` writes it."""
        return f"{self.name}-{self.version}.tgz"

    @property
    def url(self) -> str:
        """Where it is fetched from: npm's registry, or the mirror that npm is set to."""
        registry = next((value for name in _REGISTRY_VARIABLES if (value := os.environ.get(name))), _REGISTRY)
        return f"{registry.rstrip('/')}/{self.name}/-/{self.file}"

    def check(self, content: bytes, source: str | Path) -> None:
        """Raise a ConfigError if these bytes are not the package."""
        digest = base64.b64encode(hashlib.sha512(content).digest()).decode()
        if f"{_INTEGRITY}{digest}" != self.integrity:
            raise ConfigError(f"{source} is not {self.name} {self.version} as it is pinned; {_advice()}")


def packages() -> list[Package]:
    """The packages that the page uses."""
    lock = json.loads((files(__package__) / "package-lock.json").read_text(encoding="utf-8"))["packages"]
    return [
        Package(name, lock[f"node_modules/{name}"]["version"], lock[f"node_modules/{name}"]["integrity"])
        for name in _FILES
    ]


def engine_files(folder: Path | None = None, report: Callable[[str], None] = lambda _: None) -> dict[str, bytes]:
    """The engine's files by their names on the site.

    Args:
        folder: Where the .tgz files of the packages lie; None fetches them, once.
        report: Called with what is being done.

    Raises:
        ConfigError: A package is missing, is not the one that is pinned, or cannot be fetched.
    """
    found = {}
    for package in packages():
        content = _fetched(package, report) if folder is None else _read(package, folder)
        with tarfile.open(fileobj=io.BytesIO(content), mode="r:gz") as archive:
            for inside, name in _FILES[package.name].items():
                member = archive.extractfile(f"package/{inside}")
                assert member is not None  # the hash says which file it is
                found[name] = member.read()
    return found


def _read(package: Package, folder: Path) -> bytes:
    path = folder / package.file
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ConfigError(f"cannot read {path} ({error.strerror}); {_advice()}") from error
    package.check(content, path)
    return content


def _fetched(package: Package, report: Callable[[str], None]) -> bytes:
    """The package from the cache, or from the registry into the cache."""
    cached = cache_folder() / "npm" / package.file
    if cached.is_file():
        try:
            return _read(package, cached.parent)
        except ConfigError:  # it was cut off, or is of an earlier pin: fetch it anew
            cached.unlink(missing_ok=True)
    report(f"fetching {package.name} {package.version} from {package.url}")
    try:
        with urlopen(Request(package.url), timeout=_TIMEOUT) as answer:
            content: bytes = answer.read(_MAX_SIZE)
    except (URLError, OSError, ValueError) as error:
        reason = getattr(error, "reason", error)
        raise ConfigError(f"cannot fetch {package.url} ({reason}); {_advice()}") from error
    package.check(content, package.url)
    try:
        cached.parent.mkdir(parents=True, exist_ok=True)
        write_file(cached, content)
    except OSError:
        pass  # it is fetched again next time
    return content


def _advice() -> str:
    names = " ".join(f"{package.name}@{package.version}" for package in packages())
    return f"on a machine with network run npm pack {names}, and name the folder with --engine-from"
