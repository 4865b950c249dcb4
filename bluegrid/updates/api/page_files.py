"""The files of the operator's page, and the headers that restrict what a browser may do."""

from collections.abc import Awaitable, Callable
from importlib.resources import files

from fastapi import FastAPI, Request, Response
from fastapi.responses import FileResponse
from fastapi.staticfiles import StaticFiles

_FOLDER = str(files("bluegrid.updates") / "page")
_HEADERS = {
    # Only scripts of this server run, and only this server gets requests.
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; "
    "connect-src 'self'; img-src 'self' data:; "
    "form-action 'none'; base-uri 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}


def add_page(app: FastAPI) -> None:
    """Serve the page at `/`, and add security headers to every response."""

    @app.middleware("http")
    async def guarded(request: Request, call_next: Callable[[Request], Awaitable[Response]]) -> Response:
        response = await call_next(request)
        for name, value in _HEADERS.items():
            response.headers[name] = value
        # The page must be that of this release; responses of the API must not be stored on a disk.
        is_page = request.url.path.startswith("/page/")
        response.headers["Cache-Control"] = "no-cache" if is_page else "no-store"
        return response

    @app.get("/", include_in_schema=False)
    def page() -> FileResponse:
        return FileResponse(f"{_FOLDER}/index.html")

    app.mount("/page", StaticFiles(directory=_FOLDER))
