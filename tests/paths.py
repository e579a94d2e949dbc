"""Where the tests find the repository and, beside a development checkout, shared data."""

from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
SHARED = ROOT.parent / "shared"
