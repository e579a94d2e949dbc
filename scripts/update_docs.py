"""Fills the measured figures into README.md and docs/*.md from the committed result files.

python scripts/update_docs.py           # write
python scripts/update_docs.py --check   # exit code 1 where a page does not say what the files say

A page holds `<!-- figures: NAME -->` and `<!-- end of figures -->`; what stands between them is made by the
function of that name in scripts/figures/.
"""

from __future__ import annotations

import re
import sys

from figures import ROOT, blocks

BLOCK = re.compile(r"(<!-- figures: ([\w-]+) -->\n).*?(<!-- end of figures -->)", re.DOTALL)


def main() -> None:
    """Fill or check every page."""
    stale = []
    makers = blocks()
    for page in (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))):
        text = page.read_text(encoding="utf-8")
        if unknown := {name for _, name, _ in BLOCK.findall(text)} - makers.keys():
            sys.exit(f"{page.name}: no function in scripts/figures/ makes {', '.join(sorted(unknown))}")
        filled = BLOCK.sub(lambda found: f"{found[1]}{makers[found[2]]()}\n{found[3]}", text)
        if filled != text:
            stale.append(str(page.relative_to(ROOT)))
            if "--check" not in sys.argv:
                page.write_text(filled, encoding="utf-8")
    if stale:
        print(", ".join(stale), "did not say what the result files say")
    sys.exit(1 if stale and "--check" in sys.argv else 0)


if __name__ == "__main__":
    main()
