"""scikit-learn models in skops files.

A skops file names the types that it is made of, and skops builds only the ones that it trusts: those of
scikit-learn, NumPy, SciPy and Python that it knows to be harmless, and those that the set's `trust` adds.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import skops.io
from skops.io.exceptions import UntrustedTypesFoundException

from model_registry.errors import ModelError
from model_server.loaders.scikit_learn import SklearnModel

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from model_server.loaders import Model


def load(path: Path, trust: Iterable[str] = ()) -> Model:
    """Load a fitted estimator.

    Args:
        path: the skops file.
        trust: types that the set trusts, beside those that skops does.

    Raises:
        ModelError: the file holds types that are not trusted, is no skops file, or holds no fitted estimator.
    """
    trusted = list(trust)
    try:
        estimator = skops.io.load(path, trusted=trusted)
    except UntrustedTypesFoundException:
        types = ", ".join(sorted(set(skops.io.get_untrusted_types(file=path)) - set(trusted)))
        raise ModelError(
            f"holds types that are not trusted: {types}; build the model from those that skops trusts, "
            "or add them to the set's `trust` once they are known to be harmless"
        ) from None
    # A file can be wrong in as many ways as a zip of JSON and arrays can.
    except Exception as error:
        raise ModelError(
            f"is no skops file that this image reads ({type(error).__name__}: {error}); "
            "save it with the image's versions of scikit-learn and skops"
        ) from error
    return SklearnModel.of(estimator)
