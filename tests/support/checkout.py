"""The path of the checkout under test."""

from __future__ import annotations

import os
from pathlib import Path

CHECKOUT = Path(__file__).parents[2]
PACKAGES = os.pathsep.join(
    str(CHECKOUT / folder) for folder in ("", "components", "model_registry", "model_server")
)
"""PYTHONPATH with which a program imports the packages of this checkout, whatever version is installed."""
