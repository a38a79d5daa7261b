"""`python -m vlmteach.inpage ask.html` writes the page of all shipped models to a file, to open, mail or project."""

from __future__ import annotations

import sys
from pathlib import Path

from vlmteach.inpage.page import AskPage


def main(arguments: list[str]) -> int:
    """Write the page. Returns the exit status."""
    if len(arguments) != 1:
        print("usage: python -m vlmteach.inpage FILE.html", file=sys.stderr)
        return 2
    path = Path(arguments[0])
    path.write_text(AskPage().to_html(), encoding="utf-8")
    print(f"{path}: {path.stat().st_size / 1e6:.2f} MB; open it in any browser, no network needed.")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
