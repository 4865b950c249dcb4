"""No module needs what only Linux has in order to be imported; `bluegrid serve` can then refuse in words."""

from __future__ import annotations

import subprocess
import sys

_IMPORT_ALL = """
import os, resource, signal, socket, sys
from importlib import import_module
from pkgutil import walk_packages
# In Python's documentation "Linux" or "not macOS" is their availability.
LINUX = {
    os: ("memfd_", "MFD_", "sched_", "SCHED_", "pidfd_", "eventfd", "EFD_", "splice", "unshare", "setns"),
    resource: ("prlimit", "RLIMIT_SIGPENDING", "RLIMIT_MSGQUEUE", "RLIMIT_NICE", "RLIMIT_RTPRIO"),
    signal: ("pidfd_", "sigtimedwait", "sigwaitinfo", "SIGRTM", "SIGSTKFLT", "SIGPWR", "SIGPOLL"),
    socket: ("AF_VSOCK", "AF_PACKET", "AF_NETLINK", "SO_INCOMING_CPU", "SOCK_CLOEXEC", "SOCK_NONBLOCK"),
}
for module, prefixes in LINUX.items():
    for name in [name for name in vars(module) if name.startswith(prefixes)]:
        delattr(module, name)
import bluegrid_server, bluegrid_registry, bluegrid.local
frameworks = "bluegrid_server.frameworks."
count = 0
for package in (bluegrid_server, bluegrid_registry, bluegrid.local):
    for found in walk_packages(package.__path__, package.__name__ + "."):
        if not found.name.startswith(frameworks) and not found.name.endswith("__main__"):
            import_module(found.name)
            count += 1
print(count)
"""


def test_every_module_is_imported_without_what_only_linux_has() -> None:
    done = subprocess.run([sys.executable, "-c", _IMPORT_ALL], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) > 150
