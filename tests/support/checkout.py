"""Where the checkout is whose code is under test."""

from __future__ import annotations

from pathlib import Path

CHECKOUT = Path(__file__).parents[2]
