"""The warning about models that another release of scikit-learn wrote."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import structlog

if TYPE_CHECKING:
    from collections.abc import Iterable


def log_other_releases(written: Iterable[str], image: str) -> None:
    """Log each release other than the image's once.

    Args:
        written: releases that wrote models.
        image: the release in this image.
    """
    for other in sorted({*written} - {image}):
        _log(other, image)


@cache
def _log(other: str, image: str) -> None:
    structlog.get_logger().warning(
        "models of another release of scikit-learn; record examples, or save them with the image's",
        written=other,
        image=image,
    )
