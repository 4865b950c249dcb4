"""The decisions of `up`, made before anything starts, for the supervisor."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tools.node.identity import Identity, Link

if TYPE_CHECKING:
    from collections.abc import Mapping

API_PORT = 6443
S3_PORT = 7070


@dataclass(frozen=True)
class Plan:
    """One start of a node.

    Attributes:
        programs: by name, each an absolute path on the machine.
    """

    identity: Identity
    link: Link
    programs: Mapping[str, Path]

    @property
    def address(self) -> str:
        """The node's address."""
        return self.link.node

    @property
    def api_server(self) -> str:
        """The URL of the API server."""
        return f"https://{self.address}:{API_PORT}"

    @property
    def s3_endpoint(self) -> str:
        """The URL of the S3 server."""
        return f"http://{self.address}:{S3_PORT}"

    def write(self, path: Path) -> None:
        """Write the plan to a file."""
        path.write_text(json.dumps(asdict(self), indent=2, default=str) + "\n")

    @classmethod
    def read(cls, path: Path) -> Plan:
        """Return the plan of the last start."""
        document = json.loads(path.read_text())
        return cls(
            Identity(**document["identity"]),
            Link(**document["link"]),
            {name: Path(program) for name, program in document["programs"].items()},
        )
