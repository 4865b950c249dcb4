"""The supported frameworks: each has a folder, and a row in `supported.py`, chosen by the model type.

The modules of a framework are imported when it is chosen, because that takes seconds and the server answers
probes before.

A package adds a framework by an entry point in `[project.entry-points."bluegrid.loaders"]`: its name is a
model type such as `"mine/bin"`, its value a `FrameworkPlugin` or only its function `load(path, trust)`, which
returns a `Model` or raises ModelError. The types that such a package needs are exported here.
"""

from bluegrid_server.errors import InputError
from bluegrid_server.frameworks.fallback import Fallback
from bluegrid_server.frameworks.model import Model, ModelWithMore
from bluegrid_server.frameworks.plugin import FrameworkPlugin
from bluegrid_server.protocol.tensor_spec import Datatype, TensorSpec

__all__ = ["Datatype", "Fallback", "FrameworkPlugin", "InputError", "Model", "ModelWithMore", "TensorSpec"]
