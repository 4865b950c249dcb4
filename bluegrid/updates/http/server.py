"""What requests are answered with, and who may send them."""

from dataclasses import dataclass, field
from typing import Annotated, Any

import structlog
from fastapi import Depends, Request
from fastapi.security import APIKeyCookie, HTTPAuthorizationCredentials, HTTPBearer

from bluegrid.updates.bad_versions import BadVersions
from bluegrid.updates.declared import Declared
from bluegrid.updates.errors import Refused, not_found
from bluegrid.updates.health import Health
from bluegrid.updates.http.sessions import COOKIE, CSRF_HEADER, Session, Sessions, require_own_page
from bluegrid.updates.journal import Journal
from bluegrid.updates.registry_source import RegistrySource
from bluegrid.updates.rollouts import Rollouts
from bluegrid.updates.runner import Runner
from bluegrid.updates.switches import Switcher, SwitchJournal
from bluegrid.updates.tokens import Scope, Token, Tokens
from bluegrid.updates.uploads import Uploads
from bluegrid.updates.watching import Watcher
from bluegrid_registry import RegistryFile, Store

log = structlog.get_logger()

_bearer = HTTPBearer(auto_error=False, description="A token of `bluegrid updates token`.")

_cookie = APIKeyCookie(name=COOKIE, auto_error=False, description="Of a browser that has signed in.")


def address_of(request: Request) -> str | None:
    """Return where a request comes from; behind a proxy, that is the proxy."""
    return request.client.host if request.client else None


@dataclass(frozen=True)
class Server:
    """The parts behind the API."""

    journal: Journal
    uploads: Uploads
    runner: Runner
    tokens: Tokens
    source: RegistrySource
    store: Store
    rollouts: Rollouts
    switches: SwitchJournal
    switcher: Switcher
    watcher: Watcher
    declared: Declared
    bad: BadVersions
    health: Health
    sessions: Sessions = field(default_factory=Sessions)

    def allowed(self, scope: Scope) -> Any:
        """Return the dependency that yields the name of the caller, or refuses."""

        def author(
            request: Request,
            given: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)],
            secret: Annotated[str | None, Depends(_cookie)],
        ) -> str:
            session = None if given else self.session(secret)
            if session is None:
                name = self.owner(given.credentials if given else None, request).name
            else:
                require_own_page(session, request.method, request.headers.get(CSRF_HEADER))
                name = session.token.name
            self.tokens.require(name, scope)
            return name

        return Depends(author)

    def session(self, secret: str | None) -> Session | None:
        """Return the session whose cookie this is; None: there is none, or its token has gone."""
        session = self.sessions.get(secret)
        return session if session and self.tokens.has(session.token) else None

    def owner(self, given: str | None, request: Request) -> Token:
        """Return the row of a token, or raise Refused; a token that is not known is noted in the log."""
        try:
            return self.tokens.owner(given)
        except Refused:
            if given:
                log.warning("a token is refused", address=address_of(request), path=request.url.path[:200])
            raise

    def files(self) -> tuple[RegistryFile, ...]:
        """Return the registry as it is now."""
        return self.declared.registry().files

    def file_of(self, set_id: str) -> RegistryFile:
        """Return the file of a set, or raise Refused."""
        files = {file.set.id: file for file in self.files()}
        if set_id not in files:
            self.declared.require(set_id)
            raise not_found(f"no set {set_id}; declared: {', '.join(files) or 'none'}")
        return files[set_id]

    def file_of_service(self, service: str) -> RegistryFile:
        """Return the file that declares a service, or raise Refused."""
        files = {file.service.name: file for file in self.files() if file.service}
        if service not in files:
            raise not_found(f"no service {service}; declared: {', '.join(files) or 'none'}")
        return files[service]
