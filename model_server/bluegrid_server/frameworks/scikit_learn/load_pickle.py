"""Loader of scikit-learn models in pickles of `joblib.dump` or `pickle.dump`.

Only globals of the allowlist, and globals that the set trusts, are looked up; a pickle that names others is
refused before any of it is run.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from bluegrid_registry.errors import FormatError, ModelError
from bluegrid_registry.model_types import pickle_scan
from bluegrid_registry.model_types.allowlist import PICKLE_GLOBALS
from bluegrid_server.frameworks.scikit_learn.estimator import SklearnModel
from bluegrid_server.frameworks.scikit_learn.release import outputs_that_differ, releases_logged, unreadable

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from bluegrid_server.frameworks.model import Model


def load(path: Path, trust: Iterable[str] = ()) -> Model:
    """Load a fitted estimator.

    Args:
        path: the pickle.
        trust: globals that are trusted beside the allowlist.

    Raises:
        ModelError: the pickle names other globals, cannot be read, holds no fitted estimator, or an estimator
            that would answer otherwise than in the release that wrote it.
    """
    try:
        with releases_logged() as written:
            estimator = pickle_scan.load(path, PICKLE_GLOBALS | frozenset(trust))
    except FormatError as error:
        raise ModelError(str(error)) from None
    # Classes in the pickle may raise any exception, mostly for the state of another version.
    except Exception as error:
        raise unreadable("pickle", error, written, "scikit-learn and NumPy") from error
    return SklearnModel.of(estimator, without=outputs_that_differ(estimator, written))
