"""All that is known of frameworks: a folder each, and a row each in `supported.py`; a model type chooses one.

A module of a framework is imported when it is chosen, because a framework takes seconds to import and the
server answers probes before that.

A package adds a loader by an entry point: `[project.entry-points."bluegrid.loaders"]`, its name a model type
such as `"mine/bin"` and its value a function `load(path, trust)` that returns a `Model` or raises ModelError.
What such a loader needs is exported here.
"""

from bluegrid_server.frameworks.model import Model
from bluegrid_server.protocol.tensor_spec import TensorSpec

__all__ = ["Model", "TensorSpec"]
