"""The tables of cgan-bench quality."""

from __future__ import annotations

import operator

from figures import block, machine, read, table

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
    columns = {
        "photos": lambda each: f"without `{each['without']}`" if each["without"] else "all",
        "count": lambda each: str(each["quality"]["images"]),
        "mean CIEDE2000": lambda each: f"{each['quality']['ciede2000']:.2f}",
        "p90": lambda each: f"{each['quality']['ciede2000_p90']:.2f}",
        "of the gray image": lambda each: f"{each['quality']['ciede2000_gray']:.2f}",
        "nearer by": lambda each: f"{each['quality']['gain_percent']:.1f} %",
        "chroma": lambda each: f"{each['quality']['chroma_ratio']:.2f}",
        "colorfulness": lambda each: f"{each['quality']['colorfulness_ratio']:.2f}",
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
        for end, of in (("", ""), ("_gray", ", the gray images")):
            row = {title: f"{each['quality'][key + end]:.2f}" for key, title in PAPER_MEASURES.items()}
            rows.append({"photos": name + of} | row)
    return table({title: operator.itemgetter(title) for title in rows[0]}, rows)
