"""scikit-learn models in skops files.

A skops file names the types that it is made of. skops builds only those that are trusted: by itself, by the
table of harmless names that pushes go by as well, and by the set's `trust`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import skops.io
from skops.io.exceptions import UntrustedTypesFoundException

from bluegrid_registry.errors import FormatError, ModelError
from bluegrid_registry.model_types.allowlist import SKOPS_TYPES
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
        path: the skops file.
        trust: types that are trusted beside those that are known to be harmless.

    Raises:
        ModelError: the file holds types that are not trusted, is no skops file, or holds no fitted estimator.
    """
    try:
        with releases_logged():
            estimator = _build(path, trust)
    except FormatError as error:
        raise ModelError(str(error)) from None
    # A file can be wrong in as many ways as a zip of JSON and arrays can.
    except Exception as error:
        raise ModelError(
            f"is no skops file that this image reads ({describe(error)}); "
            "save it with the image's versions of scikit-learn and skops"
        ) from error
    return SklearnModel.of(estimator)


def _build(path: Path, trust: Iterable[str]) -> Any:
    try:
        return skops.io.load(path, trusted=[])
    except UntrustedTypesFoundException:
        # Most models name what skops trusts; a look at the names of each would take as long as loading it.
        named = set(skops.io.get_untrusted_types(file=path))
    if strangers := named - SKOPS_TYPES.union(trust):
        raise FormatError(
            f"holds types that are not trusted: {', '.join(sorted(strangers))}; build the model without, "
            "or add them to the set's `trust` once they are known to be harmless"
        )
    return skops.io.load(path, trusted=sorted(named))
