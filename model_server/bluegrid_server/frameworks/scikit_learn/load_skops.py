"""Loader of scikit-learn models in skops files.

A skops file names the types of its objects. skops builds only trusted types: its own list, the allowlist,
which pushes check too, and the set's `trust`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import skops.io
from skops.io.exceptions import UntrustedTypesFoundException

from bluegrid_registry.errors import FormatError, ModelError
from bluegrid_registry.model_types.allowlist import SKOPS_TYPES
from bluegrid_server.frameworks.scikit_learn.estimator import SklearnModel
from bluegrid_server.frameworks.scikit_learn.release import outputs_that_differ, releases_logged, unreadable

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from bluegrid_server.frameworks.model import Model


def load(path: Path, trust: Iterable[str] = ()) -> Model:
    """Load a fitted estimator.

    Args:
        path: the skops file.
        trust: types that are trusted beside the allowlist.

    Raises:
        ModelError: the file holds untrusted types, is not a skops file, does not hold a fitted estimator, or
            holds an estimator that would answer otherwise than in the release that wrote it.
    """
    try:
        with releases_logged() as written:
            estimator = _build(path, trust)
    except FormatError as error:
        raise ModelError(str(error)) from None
    # An invalid file, a zip of JSON and arrays, can raise any exception.
    except Exception as error:
        raise unreadable("skops file", error, written, "scikit-learn and skops") from error
    return SklearnModel.of(estimator, without=outputs_that_differ(estimator, written))


def _build(path: Path, trust: Iterable[str]) -> Any:
    try:
        return skops.io.load(path, trusted=[])
    except UntrustedTypesFoundException:
        # Only now: most models need no other types, and to list the types takes as long as to load.
        named = set(skops.io.get_untrusted_types(file=path))
    if untrusted := named - SKOPS_TYPES.union(trust):
        raise FormatError(
            f"holds types that are not trusted: {', '.join(sorted(untrusted))}; build the model without, "
            "or add them to the set's `trust` once they are known to be harmless"
        )
    return skops.io.load(path, trusted=sorted(named))
