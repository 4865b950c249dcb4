"""The parts of the server that requests need, and the authorization of requests."""

from dataclasses import dataclass, field
from typing import Annotated, Any

import structlog
from fastapi import Depends, Request
from fastapi.security import APIKeyCookie, HTTPAuthorizationCredentials, HTTPBearer

from bluegrid.operations import LiveBefore
from bluegrid.updates.api.session_store import COOKIE, CSRF_HEADER, Session, Sessions, require_own_page
from bluegrid.updates.api.token_file import Tokens
from bluegrid.updates.api.tokens import Scope, Token
from bluegrid.updates.errors import ApiError, not_found
from bluegrid.updates.health import Health
from bluegrid.updates.jobs.audit_log import AuditLog
from bluegrid.updates.jobs.bad_versions import BadVersions
from bluegrid.updates.jobs.switch_queue import SwitchQueue
from bluegrid.updates.jobs.update_queue import UpdateQueue
from bluegrid.updates.publishing.uploads import Uploads
from bluegrid.updates.region_watcher import RegionWatcher
from bluegrid.updates.registry_source.registry_cache import RegistryCache
from bluegrid.updates.registry_source.source import RegistrySource
from bluegrid.updates.rollouts import Rollouts
from bluegrid.updates.runners.switch_runner import SwitchRunner
from bluegrid.updates.runners.update_runner import UpdateRunner
from bluegrid_registry import RegistryFile, Store

log = structlog.get_logger()

_bearer = HTTPBearer(auto_error=False, description="A token of `bluegrid server token`.")

_cookie = APIKeyCookie(name=COOKIE, auto_error=False, description="Of a browser that has signed in.")


def address_of(request: Request) -> str | None:
    """Return the address of the client, or of the proxy in front of the server."""
    return request.client.host if request.client else None


@dataclass(frozen=True)
class Dependencies:
    """The parts of the server behind the API."""

    queue: UpdateQueue
    uploads: Uploads
    update_runner: UpdateRunner
    tokens: Tokens
    source: RegistrySource
    store: Store
    rollouts: Rollouts
    switches: SwitchQueue
    switch_runner: SwitchRunner
    watcher: RegionWatcher
    cache: RegistryCache
    bad: BadVersions
    audit_log: AuditLog
    health: Health
    sessions: Sessions = field(default_factory=Sessions)

    def allowed(self, scope: Scope) -> Any:
        """Return the FastAPI dependency that returns the name of a caller with this scope, or refuses."""

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
        """Return the session of a cookie; None: there is none, or its token was removed."""
        session = self.sessions.get(secret)
        return session if session and self.tokens.has(session.token) else None

    def owner(self, given: str | None, request: Request) -> Token:
        """Return the row of a token, or log the refusal and raise ApiError."""
        try:
            return self.tokens.owner(given)
        except ApiError:
            if given:
                log.warning("a token is refused", address=address_of(request), path=request.url.path[:200])
            raise

    def live_before(self, file: RegistryFile, region: str) -> LiveBefore | None:
        """Return the cluster to roll back to in a region; None: there is none, or its version is bad."""
        service = file.service
        found = None if service is None else self.cache.before([file], [region])[service.name][region]
        if found is None or service is None:
            return None
        return None if service.cluster(found.cluster).version in self.bad.of(file.set.id) else found

    def files(self) -> tuple[RegistryFile, ...]:
        """Return the files of the registry as it is now."""
        return self.cache.registry().files

    def file_of(self, set_id: str) -> RegistryFile:
        """Return the file of a set, or raise ApiError."""
        files = {file.set.id: file for file in self.files()}
        if set_id not in files:
            self.cache.require(set_id)
            raise not_found(f"no set {set_id}; declared: {', '.join(files) or 'none'}")
        return files[set_id]

    def file_of_service(self, service: str) -> RegistryFile:
        """Return the file that declares a service, or raise ApiError."""
        files = {file.service.name: file for file in self.files() if file.service}
        if service not in files:
            raise not_found(f"no service {service}; declared: {', '.join(files) or 'none'}")
        return files[service]
