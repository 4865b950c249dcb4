"""Two regions that are made up."""

from __future__ import annotations

from tests.support.regions import regions as regions
