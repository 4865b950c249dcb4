"""Pickles: their names are found without running them, and only allowed names are ever called."""

from __future__ import annotations

import contextlib
import copyreg
import functools
import io
import pickle
import pickletools
import re
from typing import TYPE_CHECKING, Any

import joblib
import numpy as np
import pandas as pd
import pytest
from sklearn.ensemble import RandomForestRegressor
from sklearn.linear_model import Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from bluegrid_registry import FormatError
from bluegrid_registry.model_types import pickle_scan
from bluegrid_registry.model_types.allowlist import PICKLE_GLOBALS
from tests.support.marker import NAME, mark
from tests.support.samples import X, Y, joblib_bytes, ridge

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Make = Callable[[str], bytes]


class Call:
    """An object that is pickled as a call."""

    def __init__(self, function: Any, *args: Any) -> None:
        self.call = function, args

    def __reduce__(self) -> Any:
        return self.call

    def __call__(self) -> None:
        """Do nothing; the pickler requires a callable."""


def calling(*call: Any, protocol: int = 4) -> bytes:
    return pickle.dumps(Call(*call), protocol=protocol)


def text(value: str) -> bytes:
    return pickle.SHORT_BINUNICODE + bytes([len(value.encode())]) + value.encode()


def stack_global(module: str, name: str, argument: str) -> bytes:
    """Return a pickle that calls a name through STACK_GLOBAL."""
    return b"\x80\x04" + text(module) + text(name) + b"\x93" + text(argument) + b"\x85R."


def in_an_array(argument: str) -> bytes:
    """Return a joblib file whose array of objects has a pickle of its own, which makes the call."""
    array = np.empty(1, dtype=object)
    array[0] = Call(mark, argument)
    model = ridge()
    model.classes_ = array
    return joblib_bytes(model)


CALLS: dict[str, Make] = {
    "protocol 0": lambda path: calling(mark, path, protocol=0),
    "protocol 2": lambda path: calling(mark, path, protocol=2),
    "protocol 5": lambda path: calling(mark, path, protocol=5),
    "partial": lambda path: calling(functools.partial(mark, path)),
    "in an array of objects": in_an_array,
    "in an argument of an estimator": lambda path: joblib_bytes(
        make_pipeline(StandardScaler(), Call(mark, path))
    ),
}
"""Pickles that call a function of these tests."""


@pytest.fixture
def marker(tmp_path: Path) -> Path:
    """The file that the function leaves."""
    return tmp_path / "ran"


@pytest.mark.parametrize("name", CALLS)
def test_the_pickles_of_these_tests_do_call_where_nothing_guards(name: str, marker: Path) -> None:
    data = CALLS[name](str(marker))
    # The rest after the call does not matter.
    with contextlib.suppress(Exception):
        joblib.load(io.BytesIO(data)) if b"NumpyArrayWrapper" in data else pickle.loads(data)
    assert marker.exists()


@pytest.mark.parametrize("name", CALLS)
def test_a_pickle_that_names_a_stranger_is_refused_by_name_and_calls_nothing(name: str, marker: Path) -> None:
    data = CALLS[name](str(marker))
    with pytest.raises(FormatError, match=re.escape(NAME)):
        pickle_scan.load(data, PICKLE_GLOBALS)
    assert not marker.exists()


@pytest.mark.parametrize("name", CALLS)
def test_the_unpickler_refuses_by_itself_what_a_scan_would_have_missed(
    name: str, marker: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = CALLS[name](str(marker))
    seen = {pickle_scan.JOBLIB_ARRAY} if b"NumpyArrayWrapper" in data else set()
    monkeypatch.setattr(pickle_scan, "globals_of", lambda _: frozenset(seen))
    with pytest.raises(FormatError, match=r"which is not allowed|which is a path"):
        pickle_scan.load(data, PICKLE_GLOBALS)
    assert not marker.exists()


def test_a_class_that_has_an_extension_code_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(copyreg._extension_registry, (Call.__module__, "Call"), 118)  # type: ignore[attr-defined]
    data = pickle.dumps(Call, protocol=2)
    with pytest.raises(FormatError, match="by the extension code 118"):
        pickle_scan.load(data, PICKLE_GLOBALS)


def test_a_name_of_python_2_is_told_as_python_3_calls_it() -> None:
    assert pickle_scan.globals_of(b"citertools\nizip\n.") == {"builtins.zip"}


def test_names_of_numpy_1_are_those_of_numpy_2(monkeypatch: pytest.MonkeyPatch) -> None:
    array = np.arange(3.0)
    old = pickle.dumps(array, protocol=2).replace(b"cnumpy._core.multiarray", b"cnumpy.core.multiarray")
    assert b"numpy.core.multiarray" in old
    trusted = PICKLE_GLOBALS | {"_codecs.encode"}
    assert pickle_scan.globals_of(old) == pickle_scan.globals_of(pickle.dumps(array, protocol=2))
    assert pickle_scan.load(old, trusted).tolist() == array.tolist()
    assert pickle_scan.globals_of(b"cnumpy.corelike\nx\n.") == {"numpy.corelike.x"}


def test_a_name_of_dots_is_refused_even_where_the_whole_is_allowed() -> None:
    data = stack_global("sklearn", "linear_model._ridge.Ridge", "x")
    with pytest.raises(FormatError, match="is a path and not a name"):
        pickle_scan.load(data, frozenset({"sklearn.linear_model._ridge.Ridge"}))


@pytest.mark.parametrize(
    ("how", "protocol"),
    [*(("pickle", protocol) for protocol in range(6)), *(("joblib", protocol) for protocol in range(2, 6))],
)
def test_what_a_pickle_names_is_found_in_every_protocol(how: str, protocol: int) -> None:
    forest = RandomForestRegressor(n_estimators=3, random_state=0).fit(
        pd.DataFrame(X, columns=list("abc")), Y
    )
    data = pickle.dumps(forest, protocol) if how == "pickle" else joblib_bytes(forest, protocol=protocol)
    named = set()

    class Recording(pickle._Unpickler):
        def find_class(self, module: str, name: str) -> Any:
            found = super().find_class(module, name)
            named.add(".".join(pickle_scan._name(module, name)))
            return found

    if how == "pickle":
        Recording(io.BytesIO(data)).load()
        assert pickle_scan.globals_of(data) == named
    else:
        found = pickle_scan.globals_of(data)
        assert {pickle_scan.JOBLIB_ARRAY, "sklearn.tree._tree.Tree", "numpy.ndarray"} <= found


@pytest.mark.parametrize("how", ["pickle", "joblib", "file"])
def test_a_sound_model_is_loaded(how: str, tmp_path: Path) -> None:
    columns = pd.DataFrame(X, columns=list("abc"))
    for model in (
        make_pipeline(StandardScaler(), Ridge()).fit(columns, Y),
        RandomForestRegressor(n_estimators=3, random_state=0).fit(columns, Y),
    ):
        data = pickle.dumps(model) if how == "pickle" else joblib_bytes(model)
        path = tmp_path / "model.joblib"
        path.write_bytes(data)
        loaded = pickle_scan.load(path if how == "file" else data, PICKLE_GLOBALS)
        assert loaded.predict(columns).tolist() == model.predict(columns).tolist()


@pytest.mark.parametrize(
    "array",
    [
        np.array(["a", "bcd"]),
        np.array(3.5),
        np.empty((0, 4)),
        np.asfortranarray(np.ones((3, 5), dtype=np.float32)),
        np.zeros(4, dtype=[("x", "<f8"), ("y", "<i2")]),
        np.array(["2026-11-22"], dtype="datetime64[s]"),
        np.array([b"ab", None, 1.5, ("x",)], dtype=object),
        np.ones(3, dtype=">i4"),
        np.array([True, False]),
    ],
    ids=lambda array: str(array.dtype),
)
def test_arrays_of_every_kind_are_passed_over(array: Any) -> None:
    data = joblib_bytes({"a": array, "b": [array, np.arange(7)], "c": ridge()})
    assert "sklearn.linear_model._ridge.Ridge" in pickle_scan.globals_of(data)
    pickle_scan.load(data, PICKLE_GLOBALS)


def test_a_pickle_that_goes_on_after_its_end_is_refused() -> None:
    with pytest.raises(FormatError, match="goes on for 5 bytes after the end"):
        pickle_scan.globals_of(pickle.dumps(1) + b"abcd.")


def framed(body: bytes, size: int) -> bytes:
    return pickle.FRAME + size.to_bytes(8, "little") + body


@pytest.mark.parametrize(
    ("data", "fault"),
    [
        (b"\x80\x04" + framed(text("abc") + b".xy", 8), "ends"),
        (b"\x80\x04" + framed(framed(text("abc") + b".", 6), 15), "begins a frame"),
        (
            pickle.dumps(joblib.numpy_pickle.NumpyArrayWrapper(np.ndarray, (1,), "C", np.dtype("f8"))),
            "has an array of joblib",
        ),
    ],
    ids=["end", "frame", "array"],
)
def test_a_frame_that_goes_on_where_unpicklers_read_past_it_is_refused(data: bytes, fault: str) -> None:
    with pytest.raises(FormatError, match=f"^{fault} within a frame$"):
        pickle_scan.globals_of(data)


def test_a_reference_to_the_outside_is_refused() -> None:
    with pytest.raises(FormatError, match="refers to an object outside of the pickle"):
        pickle_scan.globals_of(b"\x80\x04" + text("id") + b"Q.")


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b".",
        b"\x80\x09.",
        b"\x80\x04" + text("a") + b"\x85R.",
        b"\x80\x05\x96" + b"\xff" * 7 + b"\x7f.",
        b"\x80\x04(" * 5,
        joblib_bytes(ridge())[:-80],
    ],
    ids=["empty", "stop", "protocol 9", "a call of text", "a huge array", "marks", "cut off"],
)
def test_a_broken_pickle_is_refused_on_one_line(data: bytes) -> None:
    with pytest.raises(FormatError) as caught:
        pickle_scan.globals_of(data)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "shape", [(1,) * 65, (-1,), (2**63,), (1.0,)], ids=["deep", "negative", "large", "float"]
)
def test_an_array_that_cannot_be_is_not_passed_over(shape: tuple[Any, ...]) -> None:
    wrapper = joblib.numpy_pickle.NumpyArrayWrapper(np.ndarray, shape, "C", np.dtype("f8"))
    with pytest.raises(FormatError, match="holds an array of an impossible shape"):
        pickle_scan.globals_of(pickle.dumps(wrapper))


def test_a_key_of_nested_tuples_is_not_hashed_by_its_elements() -> None:
    key: Any = ()
    for _ in range(8):
        key = (key, key)
    (built,) = pickle_scan.object_of(pickle.dumps({key: 1}))
    assert built == key
    assert hash(built) != hash(key)


def test_what_is_scanned_is_what_pickletools_reads() -> None:
    data = pickle.dumps(make_pipeline(StandardScaler(), Ridge()).fit(X, Y), protocol=2)
    read = {str(arg).replace(" ", ".") for op, arg, _ in pickletools.genops(data) if op.name == "GLOBAL"}
    assert pickle_scan.globals_of(data) == read


def test_a_stand_in_is_called_in_place_of_a_global_that_is_allowed() -> None:
    data = b"cbuiltins\ngetattr\n(cbuiltins\nobject\nV__new__\ntR."
    names = frozenset({"builtins.getattr", "builtins.object"})
    stand_ins = {"builtins.getattr": lambda owner, name: (owner, name)}
    assert pickle_scan.load(data, names, stand_ins) == (object, "__new__")
    with pytest.raises(FormatError, match=r"names builtins\.getattr, which is not allowed"):
        pickle_scan.load(data, names - {"builtins.getattr"}, stand_ins)
