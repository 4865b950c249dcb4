"""Kubernetes quantities as numbers.

https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/quantity/
"""

from __future__ import annotations

import re
from decimal import ROUND_CEILING, Decimal
from typing import Annotated

from pydantic import AfterValidator

from bluegrid_registry.names import Quantity

_SCALE = {
    "m": Decimal("0.001"),
    **{suffix: Decimal(1000) ** power for power, suffix in enumerate(("", *"kMGTPE"))},
    **{f"{suffix}i": Decimal(1024) ** power for power, suffix in enumerate("KMGTPE", start=1)},
}


def value_of(quantity: str) -> Decimal:
    """Return the value of a quantity: 0.5 for `500m`, 1024 for `1Ki`, 1000 for `1e3`."""
    number = re.match(r"[0-9.]+([eE][0-9]+)?", quantity)
    if number is None:
        raise ValueError(f"{quantity!r} is not a Kubernetes quantity")
    return Decimal(number[0]) * _SCALE[quantity[number.end() :]]


def whole(quantity: str, factor: float = 1, unit: str = "") -> int:
    """Return `factor` times the quantity, in units of `unit` (a suffix such as `m` or `Mi`), rounded up."""
    value = value_of(quantity) * Decimal(str(factor)) / _SCALE[unit]
    return int(value.to_integral_value(ROUND_CEILING))


_LEAST_MEMORY = "16Mi"
_MOST_CPU = "512"


def _check_memory(quantity: str) -> str:
    if value_of(quantity) < value_of(_LEAST_MEMORY):
        raise ValueError(
            f"{quantity} is {value_of(quantity):f} bytes, in which no pod starts; write 512Mi, or 2Gi"
        )
    return quantity


def _check_cpu(quantity: str) -> str:
    if value_of(quantity) > value_of(_MOST_CPU):
        raise ValueError(
            f"{quantity} is {value_of(quantity):f} cores, more than a node has; write 1, or 1000m"
        )
    return quantity


Cpu = Annotated[Quantity, AfterValidator(_check_cpu)]
"""Cores of a pod; 1000, which may mean thousandths, is refused."""

Memory = Annotated[Quantity, AfterValidator(_check_memory)]
"""Bytes of a pod; 512, which may mean MiB, is refused."""
