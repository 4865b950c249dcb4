"""Sessions of browsers: a cookie instead of a token in every request.

A browser sends cookies by itself, also when another site makes it send a request. Requests that change
something must therefore have the session's CSRF token in a header, which other sites can neither read nor
send (OWASP's synchronizer token), and the cookie is sent with requests of this site only.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
import threading
import time
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING

from bluegrid.updates.errors import ApiError

if TYPE_CHECKING:
    from collections.abc import Callable

    from bluegrid.updates.api.tokens import Token

COOKIE = "bluegrid_session"
CSRF_HEADER = "X-CSRF-Token"
LASTS_SECONDS = 12 * 3600
"""How long a session lasts: one shift. Sessions also end with the server."""
MAX_SESSIONS = 10_000


@dataclass(frozen=True)
class Session:
    """The session of somebody who has signed in.

    Attributes:
        token: the token of the sign-in; the session ends with it.
        csrf: the token in the header of requests that change something.
        until: when the session ends, in seconds of a monotonic clock.
    """

    token: Token
    csrf: str
    until: float


class Sessions:
    """The sessions, in memory."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._known: dict[str, Session] = {}

    def start(self, token: Token) -> tuple[str, Session]:
        """Start a session; return the secret for the cookie, and the session.

        Beyond `MAX_SESSIONS` the oldest session ends.
        """
        secret = secrets.token_urlsafe(32)
        session = Session(token, secrets.token_urlsafe(32), self._clock() + LASTS_SECONDS)
        with self._lock:
            while self._known and (len(self._known) >= MAX_SESSIONS or self._oldest.until <= self._clock()):
                del self._known[next(iter(self._known))]
            self._known[_hashed(secret)] = session
        return secret, session

    @property
    def _oldest(self) -> Session:
        """The oldest session, which is the next to end."""
        return next(iter(self._known.values()))

    def get(self, secret: str | None) -> Session | None:
        """Return the session of a cookie; None: there is none, or it has ended."""
        with self._lock:
            session = self._known.get(_hashed(secret)) if secret else None
        return session if session and session.until > self._clock() else None

    def end(self, secret: str) -> None:
        """End the session of a cookie."""
        with self._lock:
            self._known.pop(_hashed(secret), None)


def require_own_page(session: Session, method: str, given: str | None) -> None:
    """Raise ApiError if a request that changes something does not come from the session's page."""
    if method in ("GET", "HEAD"):
        return
    if given is None or not hmac.compare_digest(given.encode(), session.csrf.encode()):
        raise ApiError(HTTPStatus.FORBIDDEN, f"not from the page: {CSRF_HEADER} is not the session's")


def _hashed(secret: str) -> str:
    # Sessions are looked up by the hash, so that the duration reveals nothing about the secret.
    return hashlib.sha256(secret.encode()).hexdigest()
