"""Responses to polling: an unchanged response is not sent again.

https://www.rfc-editor.org/rfc/rfc9110#name-if-none-match
"""

import hashlib
from collections.abc import Callable, Coroutine
from http import HTTPStatus
from typing import Any

from fastapi import Request, Response
from fastapi.routing import APIRoute


class Revalidated(APIRoute):
    """A route whose responses to GET have an ETag of their bytes; 304 if the client has those bytes."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Return the handler of requests."""
        handler = super().get_route_handler()

        async def answer(request: Request) -> Response:
            response = await handler(request)
            if request.method != "GET" or response.status_code != HTTPStatus.OK:
                return response
            etag = f'"{hashlib.blake2b(response.body, digest_size=16).hexdigest()}"'
            if etag in _tags(request.headers.get("if-none-match", "")):
                return Response(status_code=HTTPStatus.NOT_MODIFIED, headers={"ETag": etag})
            response.headers["ETag"] = etag
            return response

        return answer


def _tags(header: str) -> set[str]:
    return {tag.strip().removeprefix("W/") for tag in header.split(",")}
