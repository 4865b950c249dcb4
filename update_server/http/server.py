"""What requests are answered with, and who may send them."""

from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import Depends
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from model_registry import Registry, RegistryFile, Store
from update_server.errors import not_found
from update_server.journal import Journal
from update_server.registry_source import RegistrySource
from update_server.rollouts import Rollouts
from update_server.runner import Runner
from update_server.tokens import Scope, Tokens
from update_server.uploads import Uploads

_bearer = HTTPBearer(auto_error=False, description="A token of `bluegrid updates token`.")


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

    def allowed(self, scope: Scope) -> Any:
        """Return the dependency that yields the name of the caller, or refuses."""

        def author(given: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)]) -> str:
            return self.tokens.require(given.credentials if given else None, scope)

        return Depends(author)

    def files(self) -> tuple[RegistryFile, ...]:
        """Return the registry as it is now."""
        return Registry.load(self.source.registry).files

    def file_of(self, set_id: str) -> RegistryFile:
        """Return the file of a set, or raise Refused."""
        files = {file.set.id: file for file in self.files()}
        if set_id not in files:
            raise not_found(f"no set {set_id}; declared: {', '.join(files) or 'none'}")
        return files[set_id]
