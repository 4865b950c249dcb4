"""Kubernetes quantities as numbers.

https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/quantity/
"""

from __future__ import annotations

import re
from decimal import ROUND_CEILING, Decimal

_SCALE = {
    "m": Decimal("0.001"),
    **{suffix: Decimal(1000) ** power for power, suffix in enumerate(("", *"kMGTPE"))},
    **{f"{suffix}i": Decimal(1024) ** power for power, suffix in enumerate("KMGTPE", start=1)},
}


def value_of(quantity: str) -> Decimal:
    """Return the number that a quantity stands for: 0.5 for `500m`, 1024 for `1Ki`, 1000 for `1e3`."""
    number = re.match(r"[0-9.]+([eE][0-9]+)?", quantity)
    if number is None:
        raise ValueError(f"{quantity!r} is not a Kubernetes quantity")
    return Decimal(number[0]) * _SCALE[quantity[number.end() :]]


def whole(quantity: str, factor: float = 1, unit: str = "") -> int:
    """Return `factor` times a quantity as a whole number of units, rounded up."""
    value = value_of(quantity) * Decimal(str(factor)) / _SCALE[unit]
    return int(value.to_integral_value(ROUND_CEILING))
