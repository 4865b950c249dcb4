"""Two made-up regions."""

from __future__ import annotations

from tests.process.bluegrid.updates.rollouts.grid import grid as grid
from tests.process.bluegrid.updates.rollouts.grid import quality as quality
from tests.process.bluegrid.updates.rollouts.grid import standby as standby
from tests.support.regions import regions as regions
