"""The supported frameworks: each has a folder, and a row in `supported.py`, chosen by the model type.

The modules of a framework are imported when it is chosen, because that takes seconds and the server answers
probes before.

A package adds a loader by an entry point in `[project.entry-points."bluegrid.loaders"]`: its name is a model
type such as `"mine/bin"`, its value a function `load(path, trust)` that returns a `Model` or raises
ModelError. The types that such a loader needs are exported here.
"""

from bluegrid_server.frameworks.model import Model
from bluegrid_server.protocol.tensor_spec import TensorSpec

__all__ = ["Model", "TensorSpec"]
