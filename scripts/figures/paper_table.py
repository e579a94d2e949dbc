"""The paper's table on CIFAR-10."""

from __future__ import annotations

import operator
from typing import Any

from figures import block, read, table

_MEASURES = {"mae": "MAE, %", "accuracy_2": "accuracy at 2 %", "accuracy_5": "accuracy at 5 %"}
_OWN = " (own L)"


@block("paper-table")
def paper_table() -> str:
    """The reported rows, then ours, then the gray image."""
    report = read("paper-table.json")
    rows = [
        {"row": f"reported: {row['what']}", "epochs": "200"} | _measures(row) for row in report["reported"]
    ]
    rows += [_ours(row, report["epochs_of_the_paper"]) for row in report["rows"]]
    if report["rows"]:
        first = report["rows"][0]["as_predicted"]
        rows.append({"row": "gray image"} | _measures(first, of="_gray"))
        what = f"{first['images']:,} of the test split's 10,000 images, {report['date'][:10]}."
    else:
        what = "Nothing that can be compared has been trained yet."
    titles = dict.fromkeys(title for row in rows for title in row)
    columns = {title: operator.methodcaller("get", title, "") for title in titles}
    return f"{table(columns, rows)}\n\n{what} {report['remark']}"


def _measures(values: dict[str, Any], of: str = "", suffix: str = "") -> dict[str, str]:
    return {title + suffix: f"{values[key + of]:.1f}" for key, title in _MEASURES.items()}


def _ours(row: dict[str, Any], whole: int) -> dict[str, str]:
    own = row["own_lightness"]
    return {
        "row": f"`{row['recipe']}`",
        "epochs": f"{row['epochs']:g} of {whole}",
        **_measures(row["as_predicted"]),
        **_measures(own, suffix=_OWN),
        "CIEDE2000 under gray's" + _OWN: f"{own['gain_percent']:.1f} %",
        "minutes": f"{row['minutes']:.0f}",
        "device": "; ".join(map(_device, row["devices"])),
    }


def _device(found: dict[str, Any]) -> str:
    """A GPU, or a processor with its threads."""
    threads = found["threads"]
    return f"{found['device']}, {threads} thread{'s' if threads > 1 else ''}" if threads else found["device"]
