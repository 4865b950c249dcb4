"""Models that were written by another release of scikit-learn.

Many answer as before; some lack attributes that this release needs, as trials and recorded examples show.
"""

from __future__ import annotations

import warnings
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING

import sklearn
import structlog
from sklearn.exceptions import InconsistentVersionWarning

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def releases_logged() -> Iterator[None]:
    """Log each release once, instead of scikit-learn's warning for every part of every model."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", InconsistentVersionWarning)
        yield
    for record in caught:
        if isinstance(record.message, InconsistentVersionWarning):
            _log(record.message.original_sklearn_version)
        else:
            warnings.warn_explicit(record.message, record.category, record.filename, record.lineno)


@cache
def _log(release: str) -> None:
    structlog.get_logger().warning(
        "models of another release of scikit-learn; record examples, or save them with the image's",
        written=release,
        image=sklearn.__version__,
    )
