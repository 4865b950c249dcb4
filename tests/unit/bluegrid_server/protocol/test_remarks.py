"""What the headers of responses say of their answers."""

from __future__ import annotations

import pytest

from bluegrid_server.protocol.remarks import FALLBACK, NON_FINITE, Remarks
from bluegrid_server.protocol.requests import JSON_HEADERS


@pytest.mark.parametrize(
    ("remarks", "headers"),
    [
        (Remarks(), {}),
        (Remarks(3), {NON_FINITE: "3"}),
        (
            Remarks(0, {"flatliner": 2, "constant_quantile": 1}),
            {FALLBACK: "flatliner=2, constant_quantile=1"},
        ),
        (Remarks(1, {"a.b-c": 1}), {NON_FINITE: "1", FALLBACK: "a.b-c=1"}),
    ],
)
def test_headers_have_the_remarks_and_are_those_of_json_without_any(
    remarks: Remarks, headers: dict[str, str]
) -> None:
    assert remarks.headers == headers
    assert Remarks.of_headers(remarks.json_headers) == remarks
    assert (remarks.json_headers is JSON_HEADERS) is (headers == {})


def test_remarks_of_pieces_add_up() -> None:
    pieces = [Remarks(1, {"flatliner": 1}), Remarks(), Remarks(2, {"flatliner": 2, "constant": 1})]
    assert sum(pieces, Remarks()) == Remarks(3, {"flatliner": 3, "constant": 1})
