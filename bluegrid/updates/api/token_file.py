"""The file of the tokens that the server accepts."""

from __future__ import annotations

import hashlib
import hmac
import threading
from http import HTTPStatus
from typing import TYPE_CHECKING

import structlog
from pydantic import TypeAdapter, ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from bluegrid.updates.api.tokens import Scope, Token
from bluegrid.updates.errors import ApiError, unauthorized
from bluegrid.updates.jobs.update import SCHEDULE
from bluegrid_registry.errors import ConfigError
from bluegrid_registry.frozen import first_mistake

if TYPE_CHECKING:
    from pathlib import Path


log = structlog.get_logger()


class Tokens:
    """The tokens of a file, which is read again when it changes: a removed token is refused at once.

    Raises:
        ConfigError: the file cannot be read, has a mistake, or has a name twice.
    """

    def __init__(self, file: Path) -> None:
        self._file, self._lock = file, threading.Lock()
        # The signature is taken before the read: a change meanwhile is read the next time.
        self._signature = self._sign()
        self._read = _read(file)

    @property
    def _known(self) -> tuple[Token, ...]:
        """The tokens of the file; if it has a mistake now, the tokens before the mistake."""
        with self._lock:
            if (signature := self._sign()) != self._signature:
                self._signature = signature
                try:
                    self._read = _read(self._file)
                except ConfigError as error:
                    log.error("the tokens are those before a mistake", error=str(error))  # noqa: TRY400
                else:
                    log.info("tokens are read again", names=[token.name for token in self._read])
            return self._read

    def _sign(self) -> tuple[int, int, int] | None:
        try:
            stat = self._file.stat()
        except OSError:
            return None
        return stat.st_mtime_ns, stat.st_size, stat.st_ino

    def owner(self, given: str | None) -> Token:
        """Return the row of a token.

        Raises:
            ApiError: the token is missing or unknown.
        """
        if not given:
            raise unauthorized("no token; send the header Authorization: Bearer TOKEN")
        digest = hashlib.sha256(given.encode()).hexdigest()
        # The digest is compared with all tokens, so that the duration reveals nothing about them.
        found = [token for token in self._known if hmac.compare_digest(token.sha256, digest)]
        if not found:
            raise unauthorized("this token is not known here; `bluegrid server token` makes one, and its row")
        return found[0]

    def has(self, token: Token) -> bool:
        """Whether a token is still valid: neither removed, nor replaced under the same name."""
        return any((each.name, each.sha256) == (token.name, token.sha256) for each in self._known)

    def scopes_of(self, name: str) -> frozenset[Scope]:
        """Return the scopes of the token with this name; empty: there is none."""
        return next((token.scopes for token in self._known if token.name == name), frozenset())

    def require(self, name: str, scope: Scope) -> None:
        """Raise ApiError if the token with this name does not have a scope."""
        allowed = self.scopes_of(name)
        if scope not in allowed:
            has = ", ".join(sorted(allowed))
            raise ApiError(HTTPStatus.FORBIDDEN, f"token {name} has scope {has}; this needs {scope}")


def _read(file: Path) -> tuple[Token, ...]:
    try:
        rows = YAML(typ="safe").load(file)
        known = TypeAdapter(tuple[Token, ...]).validate_python(rows)
    except (OSError, UnicodeDecodeError, YAMLError) as error:
        reason = str(getattr(error, "strerror", None) or error).splitlines()[0]
        raise ConfigError(f"{file}: cannot be read: {reason}; `bluegrid server token` makes rows") from None
    except ValidationError as error:
        mistake = first_mistake(error)
        raise ConfigError(f"{file}: {mistake}; `bluegrid server token` makes rows") from None
    names = [token.name for token in known]
    if SCHEDULE in names:
        raise ConfigError(
            f"{file}: {SCHEDULE} is the server's own name for what it does by itself; choose another"
        )
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise ConfigError(f"{file}: {twice[0]} is there twice; give every token a name of its own")
    return known
