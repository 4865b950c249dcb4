"""`python -m bluegrid.tour.line_loading.retrain`: the set's trainer, which the update server runs.

Trains on new operating points of a season: all branches, or the one that is named. In the registry:

    update:
      trainer:
        command: [python, -m, bluegrid.tour.line_loading.retrain]
        parameters:
          season: {type: string, default: winter}
          flows: {type: integer, default: 120}
          seed: {type: integer, default: 1}
          uid: {type: string, default: ""}
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from bluegrid.tour.line_loading.operating_points import NEXT_YEAR, SPRING_AND_AUTUMN, SUMMER, WINTER, Season
from bluegrid.tour.line_loading.training import retrain

if TYPE_CHECKING:
    from collections.abc import Mapping

SEASONS: Mapping[str, tuple[Season, ...]] = {
    **{season.name: (season,) for season in (SPRING_AND_AUTUMN, SUMMER, WINTER, NEXT_YEAR)},
    "whole year": (SPRING_AND_AUTUMN, WINTER, SUMMER),
}


def main() -> None:
    """Trains what standard input requests, or ends with a line that says why not."""
    request = json.load(sys.stdin)
    parameters = request["parameters"]
    if parameters["season"] not in SEASONS:
        sys.exit(f"no season {parameters['season']}; known: {', '.join(SEASONS)}")
    try:
        fit = retrain(
            Path(request["folder"]),
            SEASONS[parameters["season"]],
            parameters["flows"],
            parameters["seed"],
            parameters["uid"] or None,
        )
    except ValueError as error:
        sys.exit(str(error))
    sys.stdout.write(f"{fit.models} models trained, median R2 {fit.r2_median:.3f}\n")


if __name__ == "__main__":
    main()
