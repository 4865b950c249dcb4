"""What a response says of its answers in headers, in addition to outputs; metrics count it by these headers.

    Bluegrid-Non-Finite: 3                                  values that are not finite
    Bluegrid-Fallback: flatliner=2, constant_quantile=1     answers of fallback models, by name

The second is a dictionary of integers (RFC 9651). In the JSON of an answer, its parameters say the same:
`non_finite` and `fallback`.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from bluegrid_server.protocol.requests import JSON_HEADERS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

NON_FINITE = "bluegrid-non-finite"
"""Header with the number of values in the outputs that are not finite, and null in JSON; absent: none."""

FALLBACK = "bluegrid-fallback"
"""Header with the number of answers of each fallback model; absent: none."""


@dataclass(frozen=True, slots=True)
class Remarks:
    """Remarks on the answers of one response.

    Attributes:
        non_finite: number of values in the outputs that are not finite.
        fallbacks: number of answers of each fallback model, by its name.
    """

    non_finite: int = 0
    fallbacks: Mapping[str, int] = field(default_factory=dict)

    @classmethod
    def of_answers(cls, all_parameters: Iterable[Mapping[str, Any]]) -> Remarks:
        """Return the remarks in the parameters of answers."""
        non_finite, fallbacks = 0, Counter[str]()
        for parameters in all_parameters:
            non_finite += parameters.get("non_finite", 0)
            if (fallback := parameters.get("fallback")) is not None:
                fallbacks[fallback] += 1
        return cls(non_finite, fallbacks)

    @classmethod
    def of_headers(cls, headers: Mapping[str, str]) -> Remarks:
        """Return the remarks in the headers of a response, whose names are in lower case."""
        counts = [each.split("=") for each in headers.get(FALLBACK, "").split(", ") if each]
        fallbacks = {name: int(count) for name, count in counts}
        return cls(int(headers.get(NON_FINITE, 0)), fallbacks)

    def __add__(self, other: Remarks) -> Remarks:
        fallbacks = Counter(self.fallbacks)
        fallbacks.update(other.fallbacks)
        return Remarks(self.non_finite + other.non_finite, fallbacks)

    @property
    def headers(self) -> Mapping[str, str]:
        """Headers that say so; empty: there is nothing to say."""
        headers = {NON_FINITE: str(self.non_finite)} if self.non_finite else {}
        if self.fallbacks:
            headers[FALLBACK] = ", ".join(f"{name}={count}" for name, count in self.fallbacks.items())
        return headers

    @property
    def json_headers(self) -> Mapping[str, str]:
        """Headers of a response of JSON: `JSON_HEADERS` if there is nothing to say."""
        return {**JSON_HEADERS, **headers} if (headers := self.headers) else JSON_HEADERS
