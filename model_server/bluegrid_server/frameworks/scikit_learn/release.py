"""Models that were written by another release of scikit-learn.

Most answer as before. Some cannot be read, or lack attributes that this release needs, which loaders and
trials show. A few are read, and would answer otherwise: they are found here. The cases are those in which
releases from 1.2 to 1.8 differ from 1.9, for all estimators of scikit-learn with their usual parameters.
"""

from __future__ import annotations

import warnings
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np
import sklearn
from sklearn.exceptions import InconsistentVersionWarning

from bluegrid_registry.errors import ModelError
from bluegrid_registry.model_types.writers import release
from bluegrid_server.frameworks.errors import describe
from bluegrid_server.frameworks.scikit_learn.other_releases import log_other_releases
from bluegrid_server.frameworks.scikit_learn.parts import class_name, last_of, objects_in

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    Written = Mapping[str, str]

_CLASSIFYING_TREES = {"DecisionTreeClassifier", "ExtraTreeClassifier"}
_PARTIAL_LEAST_SQUARES = {"CCA", "PLSCanonical", "PLSRegression"}
_SINCE_SCALED = (1, 5)
"""First release whose coefficients of partial least squares are for inputs that are not scaled."""
_LOGISTIC = {"LogisticRegression", "LogisticRegressionCV"}


@contextmanager
def releases_logged() -> Iterator[dict[str, str]]:
    """Log each other release once, instead of scikit-learn's warning for every part of every model.

    Yields:
        by class of estimator, the other release that wrote it; complete after the context.
    """
    written: dict[str, str] = {}
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", InconsistentVersionWarning)
        try:
            yield written
        finally:
            for record in caught:
                if isinstance(record.message, InconsistentVersionWarning):
                    written[record.message.estimator_name] = record.message.original_sklearn_version
    for record in caught:
        if not isinstance(record.message, InconsistentVersionWarning):
            warnings.warn_explicit(record.message, record.category, record.filename, record.lineno)
    log_other_releases(written.values(), sklearn.__version__)


def unreadable(kind: str, error: Exception, written: Written, packages: str) -> ModelError:
    """Return the error for a file that cannot be read.

    Args:
        kind: of the file, such as "pickle".
        error: of reading it.
        written: from `releases_logged`.
        packages: that write such files.
    """
    package = (error.name or "").partition(".")[0] if isinstance(error, ModuleNotFoundError) else ""
    # scikit-learn and NumPy move their own modules between releases.
    if package and not package.startswith(("_", "sklearn", "numpy", "scipy")):
        return ModelError(
            f"needs {package}, which this image does not have; use an image with it, or a model without"
        )
    by = f"; it was written by scikit-learn {_listed(written)}, which differs" if written else ""
    return ModelError(
        f"is no {kind} that this image reads ({describe(error)}){by}; "
        f"save it with the image's versions of {packages}"
    )


def outputs_that_differ(estimator: Any, written: Written) -> set[str]:
    """Return the outputs of a model of another release that this release would compute otherwise.

    Raises:
        ModelError: these are all of them; the message continues after "model <uid>".
    """
    differing: set[str] = set()
    for part in objects_in(estimator) if written else ():
        if _has_other_probabilities(part) and part is last_of(estimator):
            differing.add("probability")
        elif reason := _difference(part, written):
            raise ModelError(
                f"was written by scikit-learn {_listed(written)}, and would answer otherwise by "
                f"{sklearn.__version__} of this image: {reason}; fit it with {sklearn.__version__}"
            )
    return differing


def _difference(part: Any, written: Written) -> str:
    """Return why an estimator would answer otherwise; an empty string if it is not known to."""
    name = class_name(part)
    # Ensembles also hold the tree as it was before it was fitted, without `tree_`.
    tree = vars(part).get("tree_")
    if name in _CLASSIFYING_TREES and tree is not None and not np.allclose(tree.value[0].sum(axis=-1), 1):
        return f"a {name} counts samples, where shares are expected"
    if name == "AdaBoostClassifier" and vars(part).get("algorithm") == "SAMME.R":
        return "an AdaBoostClassifier was fitted by SAMME.R, which is gone"
    if name in _PARTIAL_LEAST_SQUARES and name in written and release(written[name]) < _SINCE_SCALED:
        return f"the coefficients of a {name} were for scaled inputs"
    if _has_other_probabilities(part):
        return f"the probabilities of a {name} were computed in another way"
    return ""


def _has_other_probabilities(part: Any) -> bool:
    """Return whether a logistic regression computed its probabilities in another way.

    Releases before 1.8 chose by `multi_class`, which is gone. Now two classes are one decision, and more
    classes are decided together, not one against the others.
    """
    multi_class = vars(part).get("multi_class")
    if class_name(part) not in _LOGISTIC or multi_class is None or "classes_" not in vars(part):
        return False
    if len(part.classes_) == 2:
        return bool(multi_class == "multinomial")
    return bool(multi_class == "ovr" or part.solver == "liblinear")


def _listed(written: Written) -> str:
    return ", ".join(sorted({*written.values()}))
