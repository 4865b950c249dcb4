"""Serves a version on this machine, by the very server of the pods, without Kubernetes.

version   what is served: a version of a registry, or a folder of models, pushed to a store beside it
server    the server's process: its progress, its URL, its end
"""

from __future__ import annotations

from bluegrid.local.server import LocalServer, require_linux, require_server
from bluegrid.local.version import LocalVersion, pushed, service_name

__all__ = ["LocalServer", "LocalVersion", "pushed", "require_linux", "require_server", "service_name"]
