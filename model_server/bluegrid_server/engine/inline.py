"""Answers of linear models, worked out in the process that was asked.

A linear model is data: it cannot loop, crash or eat memory, so that it needs no worker to do that in, and
handing a call to one takes longer than the answer.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from bluegrid_server.engine.engine import inferred_part
from bluegrid_server.engine.inference import infer_linear
from bluegrid_server.errors import InputError
from bluegrid_server.frameworks.linear import LinearModel
from bluegrid_server.protocol.body import parsed
from bluegrid_server.protocol.messages import Kind

if TYPE_CHECKING:
    from bluegrid_server.models.linear_table import LinearTable
    from bluegrid_server.protocol.messages import Request, Response

_LARGEST = 2**16
"""Bytes of a body that is parsed here: nobody else is answered meanwhile."""


def infer_inline(table: LinearTable, version: str, call: Request) -> Response | None:
    """Answer a call for one row of one linear model, to the bit as a worker does.

    None says nothing but that the call is another one, perhaps a wrong one: a worker answers it.
    """
    if call.kind is not Kind.INFER or len(call.body) > _LARGEST or call.json_length is not None:
        return None
    served = table.get(call.uid)
    if served is None or not isinstance(served.model, LinearModel):
        return None
    try:
        inferred = infer_linear(served.model, parsed(call.body))
    except InputError:
        return None
    return None if inferred is None else inferred_part(served, version, inferred)
