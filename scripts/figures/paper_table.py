"""The paper's table on CIFAR-10."""

from __future__ import annotations

import operator
from typing import Any

from figures import block, read, table

_MEASURES = {"mae": "MAE, %", "accuracy_2": "accuracy at 2 %", "accuracy_5": "accuracy at 5 %"}
_OWN = " (own L)"


@block("paper-table")
def paper_table() -> str:
    """What is reported, then our rows, then the gray image."""
    report = read("paper-table.json")
    rows = [_reported(row) for row in report["reported"]]
    rows += [_ours(row, report["epochs_of_the_paper"]) for row in report["rows"]]
    if report["rows"]:
        first = report["rows"][0]["as_predicted"]
        gray = {title: f"{first[f'{key}_gray']:.1f}" for key, title in _MEASURES.items()}
        rows.append(dict.fromkeys(rows[-1], "") | {"row": "gray image"} | gray)
        what = f"{first['images']:,} of the test split's 10,000 images, {report['date'][:10]}."
    else:
        what = "Nothing that can be compared has been trained yet."
    titles = dict.fromkeys(title for row in rows for title in row)
    columns = {title: operator.methodcaller("get", title, "") for title in titles}
    return f"{table(columns, rows)}\n\n{what} {report['remark']}"


def _reported(row: dict[str, Any]) -> dict[str, str]:
    told = {title: f"{row[key]:.1f}" for key, title in _MEASURES.items()}
    return {"row": f"reported: {row['what']}", "epochs": "200"} | told


def _ours(row: dict[str, Any], whole: int) -> dict[str, str]:
    predicted, own = row["as_predicted"], row["own_lightness"]
    cells = {"row": f"`{row['recipe']}`", "epochs": f"{row['epochs']:g} of {whole}"}
    cells |= {title: f"{predicted[key]:.1f}" for key, title in _MEASURES.items()}
    cells |= {title + _OWN: f"{own[key]:.1f}" for key, title in _MEASURES.items()}
    cells |= {"CIEDE2000 under gray's" + _OWN: f"{own['gain_percent']:.1f} %"}
    return cells | {"minutes": f"{row['minutes']:.0f}", "device": "; ".join(map(_device, row["devices"]))}


def _device(found: dict[str, Any]) -> str:
    """A GPU, or a processor with its threads."""
    threads = found["threads"]
    return f"{found['device']}, {threads} thread{'s' if threads > 1 else ''}" if threads else found["device"]
