"""The tables of cgan-bench quality."""

from __future__ import annotations

from figures import Columns, block, machine, read, table

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
