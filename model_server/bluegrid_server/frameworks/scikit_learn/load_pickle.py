"""Loader of scikit-learn models in pickles of `joblib.dump` or `pickle.dump`.

Only globals of the allowlist, and globals that the set trusts, are looked up; a pickle that names others is
refused before any of it is run.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from bluegrid_registry.errors import FormatError, ModelError
from bluegrid_registry.model_types import pickle_scan
from bluegrid_registry.model_types.allowlist import PICKLE_GLOBALS
from bluegrid_server.frameworks.errors import describe
from bluegrid_server.frameworks.scikit_learn.estimator import SklearnModel
from bluegrid_server.frameworks.scikit_learn.release import releases_logged

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
        ModelError: the pickle names other globals, cannot be read, or holds no fitted estimator.
    """
    try:
        with releases_logged():
            estimator = pickle_scan.load(path, PICKLE_GLOBALS | frozenset(trust))
    except FormatError as error:
        raise ModelError(str(error)) from None
    # Classes in the pickle may raise any exception, mostly for the state of another version.
    except Exception as error:
        raise ModelError(
            f"is no pickle that this image reads ({describe(error)}); "
            "save it with the image's versions of scikit-learn and NumPy"
        ) from error
    return SklearnModel.of(estimator)
