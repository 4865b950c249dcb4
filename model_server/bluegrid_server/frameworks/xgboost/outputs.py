"""Outputs of XGBoost on request, computed as the scikit-learn wrappers compute them.

A file names its objective. Classes are 0, 1, 2, ...: XGBoost takes no other labels.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.special import softmax

from bluegrid_server.frameworks.boosters import Output, of_two_classes

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bluegrid_server.frameworks.boosters import Compute

_HALF = 0.5


def on_request(learner: Mapping[str, Any], value: Compute, margin: Compute) -> dict[str, Output]:
    """Return the outputs on request by name: `margin`, and `probability` and `label` of classifiers.

    Args:
        learner: of the booster's configuration.
        value: computes what `Booster.predict` returns.
        margin: computes the same before the objective's transformation.
    """
    objective, parameters = learner["objective"]["name"], learner["learner_model_param"]
    classes = tuple(range(int(parameters["num_class"])))
    more = {"margin": Output(margin)}
    match objective:
        case "binary:logistic":
            # Several targets are labels of their own: `y` has the probability of each.
            if int(parameters["num_target"]) == 1:
                more["probability"] = Output(lambda rows: of_two_classes(value(rows)), (0, 1))
            more["label"] = Output(lambda rows: (value(rows) > _HALF).astype(np.int64))
        case "multi:softprob":
            more["probability"] = Output(value, classes)
            more["label"] = Output(lambda rows: value(rows).argmax(axis=1))
        case "multi:softmax":
            more["probability"] = Output(lambda rows: softmax(margin(rows), axis=1), classes)
            more["label"] = Output(lambda rows: value(rows).astype(np.int64))
    return more
