"""`cgan-export --target web` on a terminal: the model, the page, and how to look at it."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from cgan_export.web.engine import WASM
from cgan_export.web.site import MODEL, write_site
from cgan_runtime.console import Console
from cgan_runtime.models import find_model
from cgan_runtime.progress import size_text

if TYPE_CHECKING:
    from cgan_export.options import CheckOptions, OutputOptions
    from cgan_export.source import ModelSource

_LAZY = (".wasm", ".onnx", ".txt")  # of these a visit loads one engine and the model
_ON_DEMAND = ("ort-webgpu.js", "ort-webgpu-core.js", "mediabunny.js")


def page_of(source: ModelSource, files: OutputOptions, engine: Path | None, checks: CheckOptions) -> None:
    """Write the page; errors as of `write_site` and of the export of a checkpoint."""
    console = Console(quiet=files.quiet)
    with tempfile.TemporaryDirectory() as folder:
        exported = source.model is None or Path(source.model).suffix == ".onnx"
        model = find_model(source.model) if exported else _exported(source, replace(files, output=Path(folder)), checks)
        with console.status() as shown:
            sizes = write_site(model, files.output, engine=engine, overwrite=files.overwrite, report=shown.update)
    console.result(f"{files.output}: {len(sizes)} files, {size_text(sum(sizes.values()))}")
    visit = size_text(first_visit(sizes))
    console.result(f"  a first visit loads {visit}, later ones nothing; no image leaves the browser")
    console.result(f"  look at it: python -m http.server -d {files.output}, then http://localhost:8000")


def first_visit(sizes: Mapping[str, int]) -> int:
    """The bytes that a browser without WebGPU loads of a site with files of these sizes, before any compression."""
    page = sum(size for name, size in sizes.items() if not name.endswith(_LAZY) and name not in _ON_DEMAND)
    return page + sizes[MODEL] + sizes[WASM]


def _exported(source: ModelSource, files: OutputOptions, checks: CheckOptions) -> Path:
    """The model of a checkpoint, its weights stored in half precision, in a folder that is thrown away."""
    from cgan_export.options import FormOptions, ShapeOptions
    from cgan_export.progress import TerminalExport

    form = FormOptions(
        fp32=True, fp16=False, int8=False, calibration=None, every=False, weights="fp16", end_to_end=False
    )
    shape = ShapeOptions(size=None, dynamic=True, batch=None)
    work = TerminalExport(source, None, checks, Console(quiet=True), stages=Console(quiet=files.quiet))
    (one,) = work.export(files, form, shape)
    return one.path
