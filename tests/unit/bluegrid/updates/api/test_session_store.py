"""Sessions end, and take bounded memory."""

from __future__ import annotations

from bluegrid.updates.api.session_store import LASTS_SECONDS, MAX_SESSIONS, Sessions
from bluegrid.updates.api.tokens import Scope, Token

OPERATOR = Token(name="operator", scopes=frozenset([Scope.READ]), sha256="a" * 64)


def test_a_session_ends_after_a_shift() -> None:
    now = [0.0]
    sessions = Sessions(lambda: now[0])
    secret, _ = sessions.start(OPERATOR)
    now[0] = LASTS_SECONDS - 1.0
    assert sessions.get(secret) is not None
    now[0] = float(LASTS_SECONDS)
    assert sessions.get(secret) is None


def test_sessions_take_a_bounded_room() -> None:
    sessions = Sessions()
    first, _ = sessions.start(OPERATOR)
    for _ in range(MAX_SESSIONS):
        last, _ = sessions.start(OPERATOR)
    assert sessions.get(first) is None
    assert sessions.get(last) is not None
