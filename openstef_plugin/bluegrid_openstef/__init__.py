"""A plug-in for OpenSTEF 4: its forecasting models, pushed and served as one version.

`openstef/joblib`, OpenSTEF's own pickle:

file_type.py            the type: recognises and scans a model's file; needs no OpenSTEF
trusted.toml            the names that such files may use
plugin.py               what the server knows of it, and `load`
model_file.py           loads a model's file, by trusted names
arrow.py                has PyArrow start no thread
columns.py              the columns that a model takes
imports.py              what the build of an image imports
forecasting.py          a loaded model, computed by OpenSTEF
training_holidays.py    lets it find the holidays that its training knew

`openstef/json`, the same as data, without a pickle:

json_file.py            the type
json_plugin.py          what the server knows of it, and `load`
pipeline/               the file's contents, and their evaluation with NumPy; needs no OpenSTEF
converter.py            ) writes such a file: `python -m bluegrid_openstef models/ data/`
converted_steps.py      )
converted_weather.py    )
table_columns.py        )
proof.py                compares it with OpenSTEF before it is written

tensors.py              the tensors of both: a time series in, quantiles out

storage.py              `BluegridStorage`: versions of a set in place of OpenSTEF's MLflow storage
collecting_storage.py   OpenSTEF's interface of a storage: new runs in memory, earlier ones in versions
serializer.py           writes the file of a model
callback.py             OpenSTEF's callback, without files that nothing keeps
history.py              the runs of a set's models, as its versions have them
runs.py                 a run of OpenSTEF as lineage, and back

trainer.py              the program that the update server runs as a set's trainer
training.py             trains what is due
json_trainer.py         the same for a set of `openstef/json`, which follows a set of `openstef/joblib`
conversion.py           converts what has changed
trainer_program.py      what both programs share
processes.py            several processes, in which either works
"""

from __future__ import annotations

__version__: str


def __getattr__(name: str) -> object:
    """Read the version of the installed distribution, only when it is used: reading takes milliseconds."""
    if name != "__version__":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib.metadata import version

    return version("bluegrid-openstef")
