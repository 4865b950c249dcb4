"""Import what serves pipelines, and every module that their files may name.

The build of an image imports this, so that a missing package fails the build and not a cluster.
"""

from __future__ import annotations

from importlib import import_module

from bluegrid_openstef.file_type import trusted_table

_LOADERS = ("plugin", "forecasting", "json_plugin", "pipeline.document", "pipeline.model")

for module in (*(f"bluegrid_openstef.{name}" for name in _LOADERS), *trusted_table()):
    import_module(module)
