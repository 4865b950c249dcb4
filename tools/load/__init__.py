"""Open-loop HTTP load on a service whose every answer is checked against the version that it names.

Open loop: a request is due at its time whether or not earlier requests were answered. Latency and time limit
count from that time, so a stall of the service shows in every request that it delays. No request is retried.
"""

from tools.load.errors import LoadError
from tools.load.process import Load
from tools.load.report import Failure, LoadReport

__all__ = ["Failure", "Load", "LoadError", "LoadReport"]
