"""Quality: of cgan-bench quality, of the upsampling of chroma, and of the temporal filter."""

from __future__ import annotations

from figures import Columns, block, machine, plain_table, read, table

PAPER_MEASURES = {
    "mae": "MAE, %",
    "accuracy_2": "accuracy at 2 %",
    "accuracy_5": "accuracy at 5 %",
    "psnr_ab": "PSNR of ab, dB",
}


@block("quality")
def quality() -> str:
    """One row for each set of photos."""
    report = read("quality.json")
    columns: Columns = {
        "photos": lambda each: f"without `{each['without']}`" if each["without"] else "all",
        "count": "{quality[images]}",
        "mean CIEDE2000": "{quality[ciede2000]:.2f}",
        "p90": "{quality[ciede2000_p90]:.2f}",
        "of the gray image": "{quality[ciede2000_gray]:.2f}",
        "nearer by": "{quality[gain_percent]:.1f} %",
        "chroma": "{quality[chroma_ratio]:.2f}",
        "colorfulness": "{quality[colorfulness_ratio]:.2f}",
    }
    first = report["reports"][0]
    what = f"`{first['model']}` (sha256 {first['sha256'][:12]}) at {first['side']} px by {first['backend']}"
    return f"{table(columns, report['reports'])}\n\n{what}; {machine(report)}."


@block("quality-as-the-paper")
def quality_as_the_paper() -> str:
    """The measures of the paper, those of the gray images below them."""
    rows = []
    for each in read("quality.json")["reports"]:
        name = f"without `{each['without']}`" if each["without"] else "all"
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
    what = f"{counts}, `{report['model']}` (sha256 {report['sha256'][:12]}); {machine(report)}."
    return f"{plain_table(rows)}\n\n{what}"
