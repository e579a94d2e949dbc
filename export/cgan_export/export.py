"""A checkpoint to model files with manifests, each proven equal before it appears.

    exported = export_checkpoint(load_checkpoint(path), Path("exported"), Plan(forms=(FORMS["fp32"],)))

Everything is made in a hidden folder inside the target; the files are moved to their names when all of
them are complete, so a failure leaves what was there before.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import onnx

from cgan_export.graph.end_to_end import end_to_end
from cgan_export.graph.half_range import keep_in_float32, operators_beyond_half
from cgan_export.graph.precision import FORMS, Form
from cgan_export.graph.trace import describe, opset_of, tensor_of, to_onnx
from cgan_export.parity.against_pytorch import check, compare, report_of, tolerance_of
from cgan_runtime.errors import ConfigError, ParityError
from cgan_runtime.files.staging import publish, staging_folder
from cgan_runtime.manifest import MAX_AXIS, MAX_SIZE, Manifest, sha256_of
from cgan_train.checkpoint import Checkpoint
from cgan_train.data.sources import Image
from cgan_train.evaluation.agreement import Agreement
from cgan_train.evaluation.comparison_photos import lightness_of
from cgan_train.torch_backend import TorchBackend

Report = Callable[[str], None]
"""Is told what is being done now."""

_HIDDEN = ".cgan-export-"  # how the names of folders begin whose files are not finished
_NEVER_IN_A_NAME = set('/\\:*?"<>|') | {
    chr(code)
    for code in (*range(32), *range(0xD800, 0xE000))  # control codes, and what is no text
}


@dataclass(frozen=True)
class Plan:
    """What to make of a checkpoint.

    Attributes:
        forms: Forms to write.
        name: Of the files, without suffix; empty for the recipe's.
        size: Height and width in pixels; None for the generator's own. With `dynamic` the size that the
            model is meant for, its area being what counts.
        batch: Images at once where not `dynamic`.
        dynamic: Leave batch, height and width free.
        end_to_end: Wrap each form for other programs: a gray image in, the colored one out.
    """

    forms: tuple[Form, ...] = (FORMS["fp32"],)
    name: str = ""
    size: tuple[int, int] | None = None
    batch: int = 1
    dynamic: bool = True
    end_to_end: bool = False

    def file_of(self, form: Form, recipe: str) -> str:
        """The name of a form's file: NAME.onnx for float32, with a suffix where forms would collide."""
        alone = sum(other.precision == form.precision for other in self.forms) == 1
        suffix = "" if form.precision == "fp32" and alone else form.suffix
        whole = "-end-to-end" if self.end_to_end else ""
        return f"{self.name or recipe}{suffix}{whole}.onnx"


@dataclass(frozen=True)
class Exported:
    """One file that was written.

    Attributes:
        path: The ONNX file; its manifest lies beside it.
        manifest: What it says.
        operators: How many nodes run for an image.
        findings: By back end, how far it is from PyTorch; empty where that was not asked for.
    """

    path: Path
    manifest: Manifest
    operators: int
    findings: dict[str, Agreement] = field(default_factory=dict)


def export_checkpoint(
    checkpoint: Checkpoint,
    folder: Path,
    plan: Plan,
    *,
    images: Sequence[Image] = (),
    source: str = "",
    report: Report = lambda _: None,
) -> list[Exported]:
    """Export a checkpoint.

    Args:
        checkpoint: From `load_checkpoint`.
        folder: Where the files go; made where it is missing.
        plan: What to make.
        images: Photographs to compare on; with none nothing is compared, and the manifest says so.
        source: Where the images come from, for the manifest.
        report: Is told what is being done.

    Raises:
        ConfigError: A size, name or folder cannot be used, or the generator cannot be exported so.
        ParityError: An exported file differs too much from the PyTorch model.
        BackendUnavailable: There are images, but no engine to run the export.
    """
    height, width = usable_size(checkpoint, plan.size)
    _check_name(plan.name or checkpoint.recipe)
    with _hidden_folder(folder) as hidden:
        report("tracing the generator")
        model = to_onnx(checkpoint.generator, size=(height, width), batch=plan.batch, dynamic=plan.dynamic)
        describe(model, {"recipe": checkpoint.recipe, "checkpoint_sha256": checkpoint.sha256})
        drafts = []
        for form in plan.forms:
            path = hidden / plan.file_of(form, checkpoint.recipe)
            draft = _write(path, form, model, checkpoint, plan)
            if images:
                report(f"comparing {path.name} with PyTorch")
                draft = _compared(draft, form, model, checkpoint, plan, images, source, report)
            drafts.append(draft)
        publish([file for draft in drafts for file in (draft.path, Manifest.path_for(draft.path))], folder)
        return [replace(draft, path=folder / draft.path.name) for draft in drafts]


@contextmanager
def _hidden_folder(folder: Path) -> Iterator[Path]:
    """A folder inside another for what is not finished; it goes with all that is still in it."""
    with ExitStack() as stack:
        try:
            hidden = stack.enter_context(staging_folder(folder, _HIDDEN))
        except OSError as error:
            raise ConfigError(
                f"cannot write to {folder} ({error.strerror}); give another folder with -o"
            ) from error
        try:
            yield hidden
        except OSError as error:
            raise ConfigError(
                f"cannot write to {folder} ({error.strerror or error}); free some space, or give another "
                "folder with -o"
            ) from error


def _write(path: Path, form: Form, model: onnx.ModelProto, checkpoint: Checkpoint, plan: Plan) -> Exported:
    """Write one form and its manifest, not compared yet."""
    height, width = usable_size(checkpoint, plan.size)
    multiple = checkpoint.generator.size_multiple
    side = max(1, round(math.sqrt(height * width) / multiple)) * multiple
    converted = form.convert(model)
    if plan.end_to_end:
        converted = end_to_end(converted, side=side, multiple=multiple)
    path.write_bytes(converted.SerializeToString(deterministic=True))
    graph = converted.graph
    manifest = Manifest(
        name=path.stem,
        file=path.name,
        sha256=sha256_of(path),
        precision=form.precision,
        weights=form.weights,
        opset=opset_of(converted),
        size=side,
        size_multiple=multiple,
        inputs=tuple(map(tensor_of, graph.input)),
        outputs=tuple(map(tensor_of, graph.output)),
        recipe=checkpoint.recipe,
        checkpoint_sha256=checkpoint.sha256,
        training=checkpoint.training,
        metrics=checkpoint.metrics,
        parity={"verified": False},
        kind="image" if plan.end_to_end else "network",
    )
    manifest.save(path)
    return Exported(path, manifest, _operators(graph))


def _compared(
    draft: Exported, form: Form, model: onnx.ModelProto, checkpoint: Checkpoint, plan: Plan,
    images: Sequence[Image], source: str, report: Report,
) -> Exported:  # fmt: skip
    """Compare a draft with PyTorch; one in half precision that fails has a second try with some float32."""
    try:
        return _verified(draft, checkpoint, images, source)
    except ParityError:
        if form.precision != "fp16":
            raise
        lightness = lightness_of(images, *usable_size(checkpoint, plan.size))
        kept = operators_beyond_half(model, lightness)
        if not kept:
            raise
    report(f"leaving {len(kept)} operators of {draft.path.name} in float32")
    mixed = replace(form, convert=lambda given: keep_in_float32(form.convert(given), given, kept))
    again = _write(draft.path, mixed, model, checkpoint, plan)
    wide = sum("Conv" in node.op_type for node in model.graph.node if node.name in kept)
    again = replace(again, manifest=replace(again.manifest, float32_convolutions=wide))
    return _verified(again, checkpoint, images, source)


def _verified(draft: Exported, checkpoint: Checkpoint, images: Sequence[Image], source: str) -> Exported:
    """Compare a draft with PyTorch and write what was found into its manifest."""
    form = tolerance_of(draft.manifest)
    with TorchBackend(checkpoint) as reference:
        findings = compare(draft.path, reference, images)
    check(findings, form)
    manifest = replace(draft.manifest, parity=report_of(findings, form, source))
    manifest.save(draft.path)
    return replace(draft, manifest=manifest, findings=findings)


def _operators(graph: onnx.GraphProto) -> int:
    """Nodes that are left when an engine has folded what is constant: the Casts of stored weights."""
    constant = {tensor.name for tensor in graph.initializer}
    return sum(not set(node.input) <= constant for node in graph.node)


def usable_size(checkpoint: Checkpoint, size: tuple[int, int] | None) -> tuple[int, int]:
    """A size that suits the generator, its own by default.

    Raises:
        ConfigError: It does not suit; the message names the nearest that do. Or it is too large.
    """
    multiple = checkpoint.generator.size_multiple
    size = size or (checkpoint.config.size, checkpoint.config.size)
    if any(side % multiple or side < multiple for side in size):
        lower = [max(multiple, side // multiple * multiple) for side in size]
        upper = [-(-side // multiple) * multiple for side in size]
        good = " or ".join(dict.fromkeys(("x".join(map(str, lower)), "x".join(map(str, upper)))))
        raise ConfigError(
            f"size {'x'.join(map(str, size))} does not suit the generator; it takes multiples of {multiple}, "
            f"the nearest are {good}"
        )
    if max(size) > MAX_AXIS or size[0] * size[1] > MAX_SIZE**2:
        raise ConfigError(
            f"size {'x'.join(map(str, size))} is too large; take sides of at most {MAX_AXIS}, and no more "
            f"pixels than {MAX_SIZE}x{MAX_SIZE} has"
        )
    return size


def _check_name(name: str) -> None:
    if name in ("", ".", "..") or _NEVER_IN_A_NAME & set(name):
        raise ConfigError(f"{name!r} cannot be the name of a file; give another with --name, such as edge")
