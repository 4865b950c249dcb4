"""A folder of model files is a version's models, or the file that is wrong is named."""

from __future__ import annotations

import io
import json
import os
import tarfile
import unicodedata
from typing import TYPE_CHECKING, Any

import pytest

from model_registry import BluegridError, ConfigError, FormatError, ModelType, SourceModel, models_in_folder

if TYPE_CHECKING:
    from pathlib import Path

TYPE = ModelType.parse("scikit-learn/skops")
EXAMPLE = {"inputs": [[1.0, 2.0]], "outputs": [0.5], "rtol": 1e-6, "atol": 1e-9}


def folder_of(tmp_path: Path, *names: str, examples: Any = None) -> Path:
    for name in names:
        (tmp_path / name).write_bytes(b"a model")
    if examples is not None:
        (tmp_path / "examples.json").write_text(json.dumps(examples))
    return tmp_path


def test_the_models_of_a_folder_are_named_by_their_files(tmp_path: Path) -> None:
    folder = folder_of(tmp_path, "line-2.skops", "line-1.skops", "bus.4.skops", "notes.txt")
    models = models_in_folder(folder, TYPE)
    assert [(model.uid, model.read(), model.example) for model in models] == [
        ("bus.4", b"a model", None),
        ("line-1", b"a model", None),
        ("line-2", b"a model", None),
    ]


def test_recorded_examples_go_with_their_models(tmp_path: Path) -> None:
    folder = folder_of(tmp_path, "line-1.skops", "line-2.skops", examples={"line-2": EXAMPLE})
    without, with_example = models_in_folder(folder, TYPE)
    assert without.example is None
    assert with_example.example
    assert with_example.example.model_dump(mode="json") == EXAMPLE


def test_tolerances_have_defaults(tmp_path: Path) -> None:
    example = {"inputs": [[1]], "outputs": [2]}
    (model,) = models_in_folder(folder_of(tmp_path, "a.skops", examples={"a": example}), TYPE)
    assert model.example
    assert (model.example.rtol, model.example.atol) == (1e-6, 1e-9)


def test_a_decomposed_file_name_is_the_same_device(tmp_path: Path) -> None:
    name = unicodedata.normalize("NFD", "Übertragung.skops")
    (model,) = models_in_folder(folder_of(tmp_path, name), TYPE)
    assert model.uid == unicodedata.normalize("NFC", "Übertragung")


@pytest.mark.parametrize(
    ("names", "examples", "told"),
    [
        ([], None, "no model in it; a model of this set is a file <uid>.skops"),
        (["a.onnx"], None, "no model in it"),
        (["a\nb.skops"], None, "is not of printable characters in Unicode NFC; rename the file"),
        (["a.skops"], {"b": EXAMPLE}, "examples.json: b has an example and no model"),
        (["a.skops"], {"a": {**EXAMPLE, "outputs": []}}, "examples.json: a: 1 rows of inputs, 0 outputs"),
        (["a.skops"], {"a": {**EXAMPLE, "atol": -1}}, r"examples.json: a.atol: .*greater than or equal to 0"),
        (["a.skops"], [], "examples.json: whole: "),
    ],
)
def test_a_folder_with_a_mistake_is_told_in_one_line(
    names: list[str], examples: Any, told: str, tmp_path: Path
) -> None:
    with pytest.raises(BluegridError, match=told) as caught:
        models_in_folder(folder_of(tmp_path, *names, examples=examples), TYPE)
    assert "\n" not in str(caught.value)


def test_a_hidden_file_is_no_model(tmp_path: Path) -> None:
    with pytest.raises(FormatError, match="no leading dot; rename the file"):
        models_in_folder(folder_of(tmp_path, ".a.skops", "b.skops"), TYPE)


def test_a_folder_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="absent: no such folder"):
        models_in_folder(tmp_path / "absent", TYPE)


def test_an_empty_file_is_no_model(tmp_path: Path) -> None:
    (tmp_path / "a.skops").touch()
    (model,) = models_in_folder(tmp_path, TYPE)
    with pytest.raises(FormatError, match=r"a.skops: 0 bytes; a model has 1 byte to 4 GiB"):
        model.read()


def test_a_file_that_has_gone_is_told(tmp_path: Path) -> None:
    (listed,) = models_in_folder(folder_of(tmp_path, "a.skops"), TYPE)
    (tmp_path / "a.skops").unlink()
    for read in (listed.read, SourceModel("a", tmp_path / "a.skops").size):
        with pytest.raises(ConfigError, match=r"a.skops: cannot be read: No such file"):
            read()


def test_a_model_in_memory_is_its_bytes() -> None:
    model = SourceModel("line-1", b"a model")
    assert (model.read(), model.size(), model.origin) == (b"a model", 7, "model line-1")
    with pytest.raises(FormatError, match="model line-2: 0 bytes; a model has 1 byte to 4 GiB"):
        SourceModel("line-2", b"").read()


def saved_model(folder: Path, names: tuple[str, ...], time: int) -> SourceModel:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(f"bytes of {name}".encode())
        path.chmod(0o600 + time % 2 * 0o40)
        os.utime(path, (time, time))
    (folder / "assets").mkdir(exist_ok=True)
    return SourceModel("line-1", folder)


def test_a_folder_is_the_same_model_whenever_it_was_written(tmp_path: Path) -> None:
    names = ("saved_model.pb", "variables/variables.index", "variables/variables.data-0")
    first = saved_model(tmp_path / "first", names, time=1)
    second = saved_model(tmp_path / "second", names[::-1], time=2)
    assert first.read() == second.read()
    with tarfile.open(fileobj=io.BytesIO(first.read())) as archive:
        assert archive.getnames() == ["assets", "saved_model.pb", "variables", *sorted(names[1:])]
        assert {(member.mtime, member.uid, member.uname) for member in archive} == {(0, 0, "")}
        assert {member.name for member in archive if member.isdir()} == {"assets", "variables"}
        content = archive.extractfile("saved_model.pb")
        assert content
        assert content.read() == b"bytes of saved_model.pb"


@pytest.mark.parametrize(
    ("name", "told"),
    [("link", "link: is a link or a device; a model holds files and folders"), ("n" * 200, "shorter name")],
)
def test_a_folder_that_no_archive_can_hold_is_told(name: str, told: str, tmp_path: Path) -> None:
    if name == "link":
        (tmp_path / name).symlink_to("/etc/passwd")
    else:
        (tmp_path / name).write_bytes(b"x")
    with pytest.raises(FormatError, match=told) as caught:
        SourceModel("line-1", tmp_path).read()
    assert "\n" not in str(caught.value)


def test_a_folder_without_a_file_is_no_model(tmp_path: Path) -> None:
    (tmp_path / "variables").mkdir()
    with pytest.raises(FormatError, match="holds no file"):
        SourceModel("line-1", tmp_path).read()
