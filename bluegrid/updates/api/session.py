"""`/session`: a browser signs in with a token, and out."""

from typing import Annotated

import structlog
from fastapi import APIRouter, Cookie, Header, Request, Response
from pydantic import StringConstraints

from bluegrid.updates.api.dependencies import Dependencies, address_of
from bluegrid.updates.api.session_store import COOKIE, CSRF_HEADER, LASTS_SECONDS, Session, require_own_page
from bluegrid.updates.api.tokens import Scope
from bluegrid.updates.errors import unauthorized
from bluegrid_registry.frozen import Frozen

log = structlog.get_logger()

Secret = Annotated[str | None, Cookie(alias=COOKIE, max_length=200)]


class SignIn(Frozen):
    """The body of a sign-in."""

    token: Annotated[str, StringConstraints(min_length=1, max_length=1000, strip_whitespace=True)]


class SignedIn(Frozen):
    """Who has signed in."""

    name: str
    scopes: tuple[Scope, ...]
    csrf: str
    """For the header X-CSRF-Token of every request of this session that changes something."""


def routes(deps: Dependencies) -> APIRouter:
    """Return the routes."""
    router = APIRouter()

    def signed_in(session: Session) -> SignedIn:
        return SignedIn(
            name=session.token.name,
            scopes=tuple(sorted(deps.tokens.scopes_of(session.token.name))),
            csrf=session.csrf,
        )

    def current(secret: str | None) -> Session:
        session = deps.session(secret)
        if session is None:
            raise unauthorized("not signed in; sign in with a token")
        return session

    @router.post("/session")
    def sign_in(body: SignIn, request: Request, response: Response) -> SignedIn:
        """Sign in with a token; the response sets a cookie."""
        secret, session = deps.sessions.start(deps.owner(body.token, request))
        log.info("signed in", name=session.token.name, address=address_of(request))
        response.set_cookie(
            COOKIE,
            secret,
            max_age=LASTS_SECONDS,
            secure=request.url.scheme == "https",
            httponly=True,
            samesite="strict",
        )
        return signed_in(session)

    @router.get("/session")
    def who(secret: Secret = None) -> SignedIn:
        """Who has signed in."""
        return signed_in(current(secret))

    @router.delete("/session", status_code=204)
    def sign_out(
        response: Response,
        secret: Secret = None,
        csrf: Annotated[str | None, Header(alias=CSRF_HEADER, max_length=200)] = None,
    ) -> None:
        """Sign out."""
        require_own_page(current(secret), "DELETE", csrf)
        deps.sessions.end(secret or "")
        response.delete_cookie(COOKIE, httponly=True, samesite="strict")

    return router
