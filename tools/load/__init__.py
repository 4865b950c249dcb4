"""Open-loop HTTP load on a service whose every answer is checked against the version that it names.

Open loop: a request is due at its time whether or not earlier ones were answered, and its latency and time
limit count from then, so that a stall of the service shows in every request that it delays. Nothing is ever
retried.
"""

from tools.load.errors import LoadError
from tools.load.process import Load
from tools.load.report import Failure, LoadReport

__all__ = ["Failure", "Load", "LoadError", "LoadReport"]
