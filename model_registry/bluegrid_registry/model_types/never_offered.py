"""Names that no program offers to add to the `trust` of a set, and why.

A list of dangerous names is never complete, so nothing is allowed because it is not in this one: it only ends
a push where a question would be a trap. Whoever wants such a name all the same writes it into the set's YAML.
"""

from __future__ import annotations

import sys

_HARMLESS = frozenset(
    {
        *(
            f"builtins.{name}"
            for name in ("abs", "all", "any", "bool", "bytearray", "bytes", "complex", "dict")
        ),
        *(f"builtins.{name}" for name in ("divmod", "enumerate", "float", "frozenset", "int", "len", "list")),
        *(
            f"builtins.{name}"
            for name in ("max", "min", "object", "pow", "range", "reversed", "round", "set")
        ),
        *(f"builtins.{name}" for name in ("slice", "sorted", "str", "sum", "tuple", "zip")),
        *(f"collections.{name}" for name in ("ChainMap", "Counter", "OrderedDict", "defaultdict", "deque")),
        *(f"datetime.{name}" for name in ("date", "datetime", "time", "timedelta", "timezone")),
        "decimal.Decimal",
        "fractions.Fraction",
        "random.Random",
        "uuid.UUID",
        "zoneinfo.ZoneInfo",
    }
)
"""Names of Python's standard library that hold data; mathematics is harmless as a whole."""

_MATHEMATICS = frozenset({"cmath", "math", "statistics"})

_LOADERS = (
    "IPython",
    "_pytest",
    "joblib",
    "numexpr",
    "numpy.ctypeslib",
    "numpy.distutils",
    "numpy.f2py",
    "numpy.fromfile",
    "numpy.genfromtxt",
    "numpy.lib",
    "numpy.load",
    "numpy.loadtxt",
    "numpy.memmap",
    "numpy.save",
    "numpy.savetxt",
    "numpy.testing",
    "numpy.tofile",
    "pandas.core.computation",
    "pandas.eval",
    "pandas.io",
    "pip",
    "pkg_resources",
    "pytest",
    "scipy.io",
    "setuptools",
    "skops",
    "sympy",
    "torch",
)
"""Packages, modules and functions of others that load objects, execute text, or read and write files."""


def why_not_offered(name: str) -> str | None:
    """Return why nobody is asked whether to trust a name, as a message ends; None: it can be offered.

    Args:
        name: a class or function, such as `own_package.Scaler`.
    """
    package = name.partition(".")[0]
    if package == "__main__":
        return (
            "only the program that trained the model has that: define it in a package that the pods have too"
        )
    if package == "dill":
        # Usually not on purpose: several libraries import dill, such as those for parallel computing.
        return "joblib writes that where dill was imported before it: import joblib first"
    if package == "cloudpickle":
        return (
            "that stands for code within the model: define the function in a package that the pods have too"
        )
    if name.startswith("scipy.stats."):
        return "that executes text of the model: of a search over distributions, push the best_estimator_"
    is_library = package in sys.stdlib_module_names and package not in _MATHEMATICS and name not in _HARMLESS
    if is_library or any(name == loader or name.startswith(f"{loader}.") for loader in _LOADERS):
        return "that can run programs or code of the machine, or use its files: build the model without"
    return None
