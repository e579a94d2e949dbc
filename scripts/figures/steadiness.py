"""The summary of cgan_benchmarks.studies.temporal_stability."""

from __future__ import annotations

from figures import block, machine, read, table


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
    columns = {title: lambda row, title=title: row[title] for title in rows[0]}
    counts = " and ".join(f"{len(clips)} {kind} clips" for kind, clips in report["clips"].items())
    what = f"{counts}, `{report['model']}` (sha256 {report['sha256'][:12]}); {machine(report)}."
    return f"{table(columns, rows)}\n\n{what}"
