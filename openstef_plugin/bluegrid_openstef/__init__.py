"""A plug-in for OpenSTEF 4: its pickled forecasting models, pushed and served as one version.

file_type.py    the type `openstef/joblib`: recognises and scans a model's file; needs no OpenSTEF
trusted.toml    the names that such files may use
plugin.py       what the server knows of it, and `load`
columns.py      the columns that a model takes
forecasting.py  a loaded model: a time series as named tensors in, quantiles out
"""

from __future__ import annotations

__version__: str


def __getattr__(name: str) -> object:
    """Read the version of the installed distribution, only when it is used: reading takes milliseconds."""
    if name != "__version__":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib.metadata import version

    return version("bluegrid-openstef")
