"""The operator's page: files that a browser runs, and what it may do with them."""

from collections.abc import Awaitable, Callable
from importlib.resources import files

from fastapi import FastAPI, Request, Response
from fastapi.responses import FileResponse
from fastapi.staticfiles import StaticFiles

_FOLDER = str(files("bluegrid.updates") / "page")
_HEADERS = {
    # Only files of ours run, and nothing is asked of anybody else.
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; "
    "connect-src 'self'; img-src 'self' data:; "
    "form-action 'none'; base-uri 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}


def add_page(app: FastAPI) -> None:
    """Serve the page at `/`; every answer gets the headers that keep browsers from harm."""

    @app.middleware("http")
    async def guarded(request: Request, go_on: Callable[[Request], Awaitable[Response]]) -> Response:
        response = await go_on(request)
        for name, value in _HEADERS.items():
            response.headers[name] = value
        # A page of the version before asks this one's server otherwise; what answers say is for no disk.
        is_page = request.url.path.startswith("/page/")
        response.headers["Cache-Control"] = "no-cache" if is_page else "no-store"
        return response

    @app.get("/", include_in_schema=False)
    def page() -> FileResponse:
        return FileResponse(f"{_FOLDER}/index.html")

    app.mount("/page", StaticFiles(directory=_FOLDER))
