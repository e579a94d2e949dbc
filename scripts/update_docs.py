"""Fills measured figures, and tables read from the code, into README.md and the pages of docs/.

python scripts/update_docs.py           # write
python scripts/update_docs.py --check   # exit code 1 if a page is out of date

A page holds `<!-- figures: NAME -->` and `<!-- end of figures -->`; the function of that name in
scripts/figures/ makes what is between them.
"""

from __future__ import annotations

import re
import sys
import textwrap

from figures import ROOT, blocks

BLOCK = re.compile(r"(<!-- figures: ([\w-]+) -->\n).*?(<!-- end of figures -->)", re.DOTALL)
COLUMNS = 120  # of a line of prose; tables are as wide as they are


def wrapped(text: str) -> str:
    """The same with its prose in lines of at most `COLUMNS`."""
    return "\n".join(
        line
        if line.startswith(("|", "#"))
        else textwrap.fill(line, COLUMNS, break_long_words=False, break_on_hyphens=False)
        for line in text.split("\n")
    )


def main() -> None:
    """Fill or check every page."""
    stale = []
    makers = blocks()
    for page in (ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))):
        text = page.read_text(encoding="utf-8")
        if unknown := {name for _, name, _ in BLOCK.findall(text)} - makers.keys():
            sys.exit(f"{page.name}: no function in scripts/figures/ makes {', '.join(sorted(unknown))}")
        filled = BLOCK.sub(lambda found: f"{found[1]}{wrapped(makers[found[2]]())}\n{found[3]}", text)
        if filled != text:
            stale.append(str(page.relative_to(ROOT)))
            if "--check" not in sys.argv:
                page.write_text(filled, encoding="utf-8")
    if stale and "--check" in sys.argv:
        sys.exit(f"out of date: {', '.join(stale)}; fill them with: python scripts/update_docs.py")
    if stale:
        print(f"filled {', '.join(stale)}")


if __name__ == "__main__":
    main()
