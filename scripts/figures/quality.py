"""Quality: of cgan-bench quality, of the upsampling of chroma, and of the temporal filter."""

from __future__ import annotations

from collections.abc import Callable

from figures import RESULTS, Columns, Document, block, machine, of_model, plain_table, read, table

PAPER_MEASURES = {
    "mae": "MAE, %",
    "accuracy_2": "accuracy at 2 %",
    "accuracy_5": "accuracy at 5 %",
    "psnr_ab": "PSNR of ab, dB",
    "psnr_rgb": "of RGB",
}


FILES = ("quality.json", "quality-held-out.json", "quality-footage.json")
"""Results of `make quality`."""

NAMES = {
    "photos-val": "photos-val", "held-out": "held out", "footage": "footage", "footage-more": "more footage",
    "objects": "garments, vehicles, signs, flowers",
}  # fmt: skip
"""The sets by the names of their files."""

SETS: Columns = {
    "images": lambda each: _name(each),
    "count": "{quality[images]}",
    "CIEDE2000": "{quality[ciede2000]:.2f}",
    "p90": "{quality[ciede2000_p90]:.2f}",
    "of gray": "{quality[ciede2000_gray]:.2f}",
    "nearer by": "{quality[gain_percent]:.1f} %",
    "chroma": "{quality[chroma]:.1f}",
    "true": "{quality[chroma_truth]:.1f}",
    "colored": "{quality[colored]:.0f} %",
    "true ": "{quality[colored_truth]:.0f} %",
    "colorfulness": "{quality[colorfulness]:.1f}",
    "true  ": "{quality[colorfulness_truth]:.1f}",
    "Fréchet": lambda each: f"{each['frechet']['distance']:.1f}" if each["frechet"] else "",
    "of gray ": lambda each: f"{each['frechet']['distance_gray']:.1f}" if each["frechet"] else "",
}


GAIN: dict[str, Callable[[Document], str]] = {
    "nearer by": lambda each: f"{each['quality']['gain_percent']:.1f} %",
    "chroma of the truth's": lambda each: f"{each['quality']['chroma_ratio']:.2f}",
    "colored": lambda each: f"{each['quality']['colored']:.0f} %",
    "Fréchet": lambda each: f"{each['frechet']['distance']:.1f}" if each["frechet"] else "",
}

ZHANG = {1: 0.9, 10: 4.0, 100: 6.7}
"""PSNR of RGB in dB over that without hints (24.4 dB) of Zhang et al. 2017 (arXiv 1705.02999) on ImageNet."""

KEY_FRAMES = {
    "automatic": "automatic", "first frame as key": "first", "first and last": "both",
    "behind a cut": "behind_cut", "if it were missed": "behind_missed_cut", "automatic there": "behind_cut_automatic",
}  # fmt: skip


@block("quality")
def quality() -> str:
    """One row for each set."""
    return _sets(lambda each: not each["group"] and not each["gray"])


@block("quality-groups")
def quality_groups() -> str:
    """One row for each clip and each group."""
    return _sets(lambda each: bool(each["group"] and each["quality"]))


@block("quality-gain")
def quality_gain() -> str:
    """The model that was measured before beside the one that is measured now, a row for each set and group."""
    old, new = (_reports(files) for files in ([read("quality-before.json")], _files()))
    before, now = (next(iter(reports.values()))["sha256"][:12] for reports in (old, new))
    same = " They are the same; no later model has been measured." if before == now else ""
    return f"{_beside({'before': old, 'now': new})}\n\nBefore: sha256 {before}. Now: sha256 {now}.{same}"


@block("quality-vivid")
def quality_vivid() -> str:
    """The two models that ship side by side, a row for each set and clip."""
    report = read("quality-vivid.json")
    return f"{_beside({'`edge`': _reports(_files()), '`edge-vivid`': _reports([report])})}\n\n{_measured(report)}"


@block("quality-hints")
def quality_hints() -> str:
    """One row for each number of hints, beside what Zhang et al. report."""
    report = read("quality-hints.json")
    rows = []
    for at in report["guided"]:
        more = at["psnr"] - report["guided"][0]["psnr"]
        theirs = ZHANG.get(at["hints"])
        rows.append(at | {"percent": 100 * at["nearer"], "more": more, "theirs": f"+{theirs:.1f}" if theirs else ""})
    columns: Columns = {
        "hints": "{hints}",
        "nearer by": "{percent:.1f} %",
        "chroma / true": "{chroma:.2f}",
        "PSNR of RGB, dB": "{psnr:.2f}",
        "over none, dB": "{more:+.1f}",
        "Zhang et al., over none, dB": "{theirs}",
    }
    return f"{table(columns, rows)}\n\n{_measured(report)}"


@block("key-frames")
def key_frames() -> str:
    """One row for each clip."""
    report = read("key-frames.json")
    rows = []
    for kind, clips in report["clips"].items():
        for name, found in (*clips.items(), (f"mean of {kind} clips", report["means"][kind])):
            cells = {"clip": name, "shots": f"{found['shots']:.3g}"}
            cells |= {t: "" if found[key] is None else f"{100 * found[key]:.1f} %" for t, key in KEY_FRAMES.items()}
            if kind == "real" or name not in clips:
                rows.append(cells)
    what = f"`{report['model']}` ({of_model(report['sha256'])}); {machine(report)}."
    return f"{plain_table(rows)}\n\n{what}"


@block("quality-grays")
def quality_grays() -> str:
    """One row for each gray that film and cameras record."""
    report = read("quality-grays.json")
    columns: Columns = {
        "gray": lambda each: each["gray"] or "lightness",
        "nearer by": "{quality[gain_percent]:.1f} %",
        "chroma": "{quality[chroma]:.1f}",
        "true": "{quality[chroma_truth]:.1f}",
        "colored": "{quality[colored]:.0f} %",
        "true ": "{quality[colored_truth]:.0f} %",
    }
    return f"{table(columns, report['reports'])}\n\n{_measured(report)}"


def _files() -> list[Document]:
    """The results that there are."""
    return [read(name) for name in FILES if (RESULTS / name).exists()]


def _reports(files: list[Document]) -> dict[tuple[str, ...], Document]:
    """All reports by set and group."""
    reports = (each for file in files for each in file["reports"] if each["quality"])
    return {(each["data"], each["group"], each["without"]): each for each in reports}


def _beside(models: dict[str, dict[tuple[str, ...], Document]]) -> str:
    """A table of models side by side, a row for each set and group that both were measured on."""
    first, second = models.values()
    rows = []
    for key in (key for key in second if key in first):
        row = {"images": _name(second[key])}
        for title, cell in GAIN.items():
            row |= {f"{title}, {name}": cell(reports[key]) for name, reports in models.items()}
        rows.append(row)
    return plain_table(rows)


def _sets(chosen: Callable[[Document], bool]) -> str:
    """A table of the chosen reports of all files, and what was measured."""
    files = _files()
    rows = [each for report in files for each in report["reports"] if chosen(each)]
    notes = dict.fromkeys(_measured(report) for report in files)
    return f"{table(SETS, rows)}\n\n{' '.join(notes)}"


def _name(report: Document) -> str:
    """The set or, where there are several, the group of a report."""
    name = str(NAMES.get(report["data"], report["data"]))
    if report["group"]:
        name = f"{name}: {report['group']}"
    return f"{name} without `{report['without']}`" if report["without"] else name


def _measured(report: Document) -> str:
    first = report["reports"][0]
    what = f"`{first['model']}` ({of_model(first['sha256'])}) at {first['side']} px by {first['backend']}"
    return f"{what}; {machine(report)}."


@block("quality-as-the-paper")
def quality_as_the_paper() -> str:
    """The measures of the paper, those of the gray images below them."""
    rows = []
    for each in (report for file in _files() for report in file["reports"] if not report["group"]):
        name = _name(each)
        for end, images in (("", name), ("_gray", f"{name}, the gray images")):
            rows.append({"images": images} | {key: each["quality"][key + end] for key in PAPER_MEASURES})
    return table({"photos": "{images}"} | {t: f"{{{key}:.2f}}" for key, t in PAPER_MEASURES.items()}, rows)


@block("edges")
def edges() -> str:
    """One row for each size of the chroma and each way."""
    report = read("edges.json")
    rows = [
        {"chroma": size, "way": way, **figures}
        for size, ways in report["enlarged"].items()
        for way, figures in ways.items()
    ]
    columns: Columns = {
        "chroma was": "{chroma}",
        "enlarged": "{way}",
        "CIEDE2000": "{all:.2f}",
        "near strong edges": "{edges:.2f}",
        "ms": "{ms:.1f}",
    }
    return f"{table(columns, rows)}\n\n{report['photos']} photographs in their own size; {machine(report)}."


@block("every-auto")
def every_auto() -> str:
    """The network on each frame beside the frames that need it, for each kind of clips and each real clip."""
    report = read("steadiness.json")
    if "high, auto" not in next(iter(report["relative_to_off"].values())):  # measured before there was an auto
        report = read("steadiness-auto.json")
    rows = []

    def add(name: str, each: Document, auto: Document) -> None:
        rows.append(
            {
                "clips": name,
                "change, every 1": f"{each['change']:.3f}",
                "auto": f"{auto['change']:.3f}",
                "CIEDE2000, every 1": f"{each['ciede2000']:.3f}",
                "auto ": f"{auto['ciede2000']:.3f}",
                "network runs on": f"{auto['predictions']:.0%}",
            }
        )

    each = next(name for name in ("high, every 1", "high") if name in report["relative_to_off"]["real"])
    for kind, found in report["relative_to_off"].items():
        add(f"all {kind}", found[each], found["high, auto"])
    for clip, found in report["clips"]["real"].items():
        off = found["off"]
        add(clip, *({key: found[way][key] / off[key] for key in off if off[key]} for way in (each, "high, auto")))
    what = f"`{report['model']}` ({of_model(report['sha256'])}); {machine(report)}."
    return f"{plain_table(rows)}\n\n{what}"


@block("steadiness")
def steadiness() -> str:
    """One row for each setting of the temporal filter."""
    report = read("steadiness.json")
    kinds, sizes = report["relative_to_off"], report["path_core_ms"]
    rows = []
    for setting in next(iter(kinds.values())):
        row = {"`--temporal`": setting}
        for kind, found in kinds.items():
            row[f"{kind}: change"] = f"{found[setting]['change']:.2f}"
            row[f"{kind}: CIEDE2000"] = f"{found[setting]['ciede2000']:.3f}"
        for size, costs in sizes.items():
            row[f"core-ms more at {size}"] = f"{costs[setting] - costs['off']:.1f}"
        rows.append(row)
    counts = " and ".join(f"{len(clips)} {kind} clips" for kind, clips in report["clips"].items())
    what = f"{counts}, `{report['model']}` ({of_model(report['sha256'])}); {machine(report)}."
    return f"{plain_table(rows)}\n\n{what}"
