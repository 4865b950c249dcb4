"""Import what serves pipelines, and every module that their files may name.

The build of an image imports this, so that a missing package fails the build and not a cluster.
"""

from __future__ import annotations

from importlib import import_module

from bluegrid_openstef.file_type import trusted_table

for module in ("bluegrid_openstef.plugin", "bluegrid_openstef.forecasting", *trusted_table()):
    import_module(module)
