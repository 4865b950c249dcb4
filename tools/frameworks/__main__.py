"""`python -m tools.frameworks`: writes docs/guide/frameworks.md's table from the markers of the tests."""

from __future__ import annotations

import sys
from pathlib import Path

from tools.frameworks.rows import RowError, read_rows
from tools.frameworks.table import PAGE, page_with

_CHECKOUT = Path(__file__).parents[2]


def main() -> int:
    """Write the page; return 1 if a marker is wrong."""
    page = _CHECKOUT / PAGE
    try:
        rows = read_rows(_CHECKOUT)
        page.write_text(page_with(page.read_text(), rows))
    except (RowError, ValueError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    sys.stdout.write(f"{PAGE}: {len(rows)} rows\n")
    return 0


sys.exit(main())
