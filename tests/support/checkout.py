"""The path of the checkout under test."""

from __future__ import annotations

from pathlib import Path

CHECKOUT = Path(__file__).parents[2]
