"""Models that another release of scikit-learn has written.

Many answer as they did; some lack what this release reads, which trials and recorded examples find.
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
    """Log each release once, in place of scikit-learn's own warning of every part of every model."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", InconsistentVersionWarning)
        yield
    for each in caught:
        if isinstance(each.message, InconsistentVersionWarning):
            _log(each.message.original_sklearn_version)
        else:
            warnings.warn_explicit(each.message, each.category, each.filename, each.lineno)


@cache
def _log(release: str) -> None:
    structlog.get_logger().warning(
        "models of another release of scikit-learn; record examples, or save them with the image's",
        written=release,
        image=sklearn.__version__,
    )
