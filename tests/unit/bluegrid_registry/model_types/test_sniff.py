"""A file's type is recognised by its content, not its name; the error for another type names that type."""

from __future__ import annotations

import io
from zipfile import ZIP_DEFLATED, ZipFile

import pytest

from bluegrid_registry import FormatError, ModelType
from bluegrid_registry.model_types import sniff
from bluegrid_registry.model_types.model_type import BUILT_IN
from tests.support.samples import SAMPLES, joblib_bytes, ridge, zipped

PICKLES = {"scikit-learn/joblib", "scikit-learn/pickle"}


def text(written: str, data: bytes) -> str:
    with pytest.raises(FormatError) as caught:
        ModelType.parse(written).check(data)
    return str(caught.value)


@pytest.fixture(scope="module")
def samples() -> dict[str, bytes]:
    return {written: make() for written, make in SAMPLES.items()}


def test_every_type_has_a_sample() -> None:
    assert SAMPLES.keys() == BUILT_IN.keys()


@pytest.mark.parametrize("written", BUILT_IN)
def test_a_model_is_taken_for_its_own_type_and_for_no_other(written: str, samples: dict[str, bytes]) -> None:
    ModelType.parse(written).check(samples[written])
    words = {row.words for name, row in BUILT_IN.items() if name == written or {name, written} <= PICKLES}
    for other, row in BUILT_IN.items():
        if other != written and not {other, written} <= PICKLES:
            message = text(other, samples[written])
            assert message in {f"is {word}, not {row.words}; a set holds one type" for word in words}


@pytest.mark.parametrize("written", BUILT_IN)
@pytest.mark.parametrize("data", [b"", b"x", b"\0" * 2000, b"some text.", b"PK\3\4"], ids=repr)
def test_what_is_no_model_is_refused(written: str, data: bytes) -> None:
    assert text(written, data).startswith(f"is not {BUILT_IN[written].words}: it ")


@pytest.mark.parametrize(
    "written",
    sorted(BUILT_IN.keys() - {"keras/h5", "safetensors/safetensors", "tensorflow/savedmodel", "spark/spark"}),
)
def test_a_model_that_was_cut_off_is_refused(written: str, samples: dict[str, bytes]) -> None:
    assert text(written, samples[written][: len(samples[written]) // 9])


def test_what_is_missing_is_told() -> None:
    assert (
        text("scikit-learn/skops", zipped("a")) == "is not a skops file: it is a zip file without schema.json"
    )


@pytest.mark.parametrize("protocol", range(2, 6))
def test_pickles_of_every_binary_protocol_are_told(protocol: int) -> None:
    ModelType.parse("scikit-learn/joblib").check(joblib_bytes(ridge(), protocol=protocol))


def test_a_file_of_a_zip_has_the_size_that_the_zip_states() -> None:
    buffer = io.BytesIO()
    with ZipFile(buffer, "w", ZIP_DEFLATED) as writer:
        writer.writestr("schema.json", "{}" * 100)
    data = buffer.getvalue()
    assert sniff.member(data, b"schema.json") == b"{}" * 100
    # The field of the central directory: zlib takes 0 for no limit.
    place = data.rindex(b"PK\1\2") + 24
    without_size = data[:place] + bytes(4) + data[place + 4 :]
    assert sniff.member(without_size, b"schema.json") == b""
