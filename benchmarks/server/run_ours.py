"""Our server as its pod runs it, on any port: `python -m benchmarks.server.run_ours PORT`."""

from __future__ import annotations

import os
import sys

from bluegrid_server import logs
from bluegrid_server.serve import serve
from bluegrid_server.settings import Settings

if __name__ == "__main__":
    logs.configure()
    sys.exit(serve(Settings.from_environment(os.environ), port=int(sys.argv[1])))
