"""Who has signed in with a browser: a cookie instead of a token in every request.

A browser sends cookies by itself, also when another site makes it ask. So whatever changes something has to
carry the session's own CSRF token in a header, which other sites can neither read nor send (OWASP's
synchronizer token); and the cookie is for requests of our own site alone.
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
"""A shift. They also end with the server."""
MAX_SESSIONS = 10_000


@dataclass(frozen=True)
class Session:
    """Somebody who has signed in.

    Attributes:
        token: that it was signed in with; it ends with that.
        csrf: what requests that change something carry.
        until: when it ends, in seconds of a clock that only goes on.
    """

    token: Token
    csrf: str
    until: float


class Sessions:
    """Those who have signed in, in memory."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._known: dict[str, Session] = {}

    def start(self, token: Token) -> tuple[str, Session]:
        """Return the secret for the cookie, and the session; where there is no room the oldest one goes."""
        secret = secrets.token_urlsafe(32)
        session = Session(token, secrets.token_urlsafe(32), self._clock() + LASTS_SECONDS)
        with self._lock:
            while self._known and (len(self._known) >= MAX_SESSIONS or self._oldest.until <= self._clock()):
                del self._known[next(iter(self._known))]
            self._known[_hashed(secret)] = session
        return secret, session

    @property
    def _oldest(self) -> Session:
        """The first of them, and the first to end."""
        return next(iter(self._known.values()))

    def get(self, secret: str | None) -> Session | None:
        """Return the session whose cookie this is; None: there is none, or it is over."""
        with self._lock:
            session = self._known.get(_hashed(secret)) if secret else None
        return session if session and session.until > self._clock() else None

    def end(self, secret: str) -> None:
        """End one."""
        with self._lock:
            self._known.pop(_hashed(secret), None)


def require_own_page(session: Session, method: str, given: str | None) -> None:
    """Raise ApiError when a request that changes something does not come from the session's own page."""
    if method in ("GET", "HEAD"):
        return
    if given is None or not hmac.compare_digest(given.encode(), session.csrf.encode()):
        raise ApiError(HTTPStatus.FORBIDDEN, f"not from the page: {CSRF_HEADER} is not the session's")


def _hashed(secret: str) -> str:
    # Looked up by its hash, so that the time that takes says nothing of the secret.
    return hashlib.sha256(secret.encode()).hexdigest()
