"""Two made-up regions."""

from __future__ import annotations

from tests.support.regions import regions as regions
