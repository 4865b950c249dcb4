"""A folder of model files becomes a version's models; each other file is named."""

from __future__ import annotations

import io
import json
import os
import tarfile
import unicodedata
from typing import TYPE_CHECKING, Any

import pytest

from bluegrid_registry import BluegridError, ConfigError, FormatError, ModelType, models_in_folder

if TYPE_CHECKING:
    from pathlib import Path

TYPE = ModelType.parse("scikit-learn/skops")
SAVED_MODEL = ModelType.parse("tensorflow/savedmodel")
EXAMPLE = {"inputs": [[1.0, 2.0]], "outputs": [0.5], "rtol": 1e-6, "atol": 1e-9}


def folder_of(tmp_path: Path, *names: str, examples: Any = None) -> Path:
    for name in names:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(b"a model")
    if examples is not None:
        (tmp_path / "examples.json").write_text(json.dumps(examples))
    return tmp_path


def test_the_models_of_a_folder_are_named_by_their_files(tmp_path: Path) -> None:
    folder = folder_of(tmp_path, "line-2.skops", "line-1.skops", "bus.4.skops")
    models = models_in_folder(folder, TYPE)
    assert [(model.uid, model.read(), model.examples) for model in models] == [
        ("bus.4", b"a model", ()),
        ("line-1", b"a model", ()),
        ("line-2", b"a model", ()),
    ]


def test_recorded_examples_go_with_their_models(tmp_path: Path) -> None:
    folder = folder_of(tmp_path, "line-1.skops", "line-2.skops", examples={"line-2": EXAMPLE})
    without, with_example = models_in_folder(folder, TYPE)
    assert without.examples == ()
    assert [example.model_dump(mode="json") for example in with_example.examples] == [EXAMPLE]


def test_tolerances_have_defaults(tmp_path: Path) -> None:
    example = {"inputs": [[1]], "outputs": [2]}
    (model,) = models_in_folder(folder_of(tmp_path, "a.skops", examples={"a": example}), TYPE)
    assert [(example.rtol, example.atol) for example in model.examples] == [(1e-6, 1e-9)]


def test_a_decomposed_file_name_is_the_same_device(tmp_path: Path) -> None:
    name = unicodedata.normalize("NFD", "Übertragung.skops")
    (model,) = models_in_folder(folder_of(tmp_path, name), TYPE)
    assert model.uid == unicodedata.normalize("NFC", "Übertragung")


@pytest.mark.parametrize(
    ("names", "examples", "message"),
    [
        ([], None, "no model in it; a model of this set is a file <uid>.skops"),
        (["a.onnx"], None, "not taken: a.onnx; a model of this set is a file <uid>.skops in "),
        (["a\nb.skops"], None, "is not of printable characters in Unicode NFC; rename the file"),
        (["a.skops"], {"b": EXAMPLE}, "examples.json: b has an example and no model"),
        (["a.skops"], {"a": {**EXAMPLE, "outputs": []}}, "examples.json: a: 1 row of inputs, 0 outputs"),
        (["a.skops"], {"a": {**EXAMPLE, "atol": -1}}, r"examples.json: a.atol: .*greater than or equal to 0"),
        (["a.skops"], [], "examples.json: whole: "),
    ],
)
def test_a_folder_with_a_mistake_is_told_in_one_line(
    names: list[str], examples: Any, message: str, tmp_path: Path
) -> None:
    with pytest.raises(BluegridError, match=message) as caught:
        models_in_folder(folder_of(tmp_path, *names, examples=examples), TYPE)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "uid",
    [
        *(
            "江苏.东善桥/500kV.1号主变",
            "mv_feeder/OS Edam",
            "a/b/c",
            "a\\b",
            "100%",
            "%2F",
            "a?b#c",
            "*",
            "[x]",
        ),
        *(".hidden", ".", "..", "a/..", "a/infer", "a/versions/v1", "a.skops/b", "a/examples"),
    ],
)
def test_a_model_is_named_by_its_path_below_the_folder(uid: str, tmp_path: Path) -> None:
    models = models_in_folder(folder_of(tmp_path, f"{uid}.skops", "line-1.skops"), TYPE)
    assert {model.uid: model.read() for model in models} == {uid: b"a model", "line-1": b"a model"}


def test_models_with_recorded_examples_may_lie_in_folders(tmp_path: Path) -> None:
    (model,) = models_in_folder(folder_of(tmp_path, "a/b.skops", examples={"a/b": EXAMPLE}), TYPE)
    assert model.examples


def test_decomposed_folders_are_the_same_device(tmp_path: Path) -> None:
    name = unicodedata.normalize("NFD", "Köln/Süd.skops")
    (model,) = models_in_folder(folder_of(tmp_path, name), TYPE)
    assert (model.uid, model.read()) == (unicodedata.normalize("NFC", "Köln/Süd"), b"a model")


@pytest.mark.parametrize("name", [".skops", "sub/.skops"])
def test_a_file_without_a_name_before_its_type_is_no_model(name: str, tmp_path: Path) -> None:
    with pytest.raises(FormatError, match="rename the file"):
        models_in_folder(folder_of(tmp_path, name, "b.skops"), TYPE)


def test_a_stale_copy_in_a_hidden_folder_is_no_model(tmp_path: Path) -> None:
    folder = folder_of(tmp_path, "a.skops", "sub/.ipynb_checkpoints/deep/a-checkpoint.skops")
    with pytest.raises(FormatError, match=r"not taken: sub/.ipynb_checkpoints/deep/a-checkpoint.skops; "):
        models_in_folder(folder, TYPE)
    (model,) = models_in_folder(folder, TYPE, [".ipynb_checkpoints/"])
    assert model.uid == "a"


def test_links_to_folders_are_not_followed_and_links_to_files_are(tmp_path: Path) -> None:
    folder = folder_of(tmp_path, "sub/a.skops")
    (folder / "b.skops").symlink_to(folder / "sub" / "a.skops")
    assert [(model.uid, model.read()) for model in models_in_folder(folder, TYPE)] == [
        ("b", b"a model"),
        ("sub/a", b"a model"),
    ]
    (folder / "sub" / "up").symlink_to(folder, target_is_directory=True)
    with pytest.raises(FormatError, match="not taken: sub/up; "):
        models_in_folder(folder, TYPE)


def test_what_is_no_regular_file_is_no_model(tmp_path: Path) -> None:
    folder = folder_of(tmp_path, "a.skops", "real/b.skops")
    os.mkfifo(folder / "pipe.skops")
    (folder / "link.skops").symlink_to(folder / "real", target_is_directory=True)
    with pytest.raises(FormatError, match=r"not taken: link.skops, pipe.skops; "):
        models_in_folder(folder, TYPE)


def test_a_folder_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="absent: no such folder"):
        models_in_folder(tmp_path / "absent", TYPE)


@pytest.mark.parametrize(
    "name",
    [
        "b.SKOPS",
        "c.skop",
        "d.pkl",
        "Thumbs.db",
        "without-suffix",
        ".DS_Store",
        "sub/e.SKOPS",
        "sub/.f/g.skops",
    ],
)
def test_a_file_that_is_no_model_is_named(name: str, tmp_path: Path) -> None:
    folder = folder_of(tmp_path, "a.skops", name)
    with pytest.raises(FormatError, match=rf"not taken: {name}; a model of this set is a file <uid>.skops"):
        models_in_folder(folder, TYPE)


def test_one_of_two_files_of_a_device_is_not_left_out_silently(tmp_path: Path) -> None:
    names = [unicodedata.normalize(form, "Übertragung.skops") for form in ("NFC", "NFD")]
    with pytest.raises(FormatError, match="two files for UID Übertragung, composed and decomposed; keep one"):
        models_in_folder(folder_of(tmp_path, *names), TYPE)


def test_of_many_files_that_are_no_models_some_are_named_and_all_are_counted(tmp_path: Path) -> None:
    folder = folder_of(tmp_path, "a.skops", *(f"logs/{number:02}.log" for number in range(13)))
    with pytest.raises(FormatError, match=r"not taken: logs/00.log, .*, logs/09.log and 3 more; "):
        models_in_folder(folder, TYPE)


def test_a_name_that_cannot_be_printed_is_told_on_one_line(tmp_path: Path) -> None:
    with pytest.raises(FormatError, match=r"not taken: '1\\n2\.txt', 线路.txt; "):
        models_in_folder(folder_of(tmp_path, "a.skops", "1\n2.txt", "线路.txt"), TYPE)


@pytest.mark.parametrize(
    ("name", "patterns"),
    [
        ("train.log", ["*.log"]),
        ("deep/er/train.log", ["*.log"]),
        ("Thumbs.db", ["*.tmp", "Thumbs.db"]),
        ("notes/read.me", ["notes/"]),
        ("notes/old/model.skops", ["/notes"]),
        ("sub/notes/model.skops", ["sub/*/model.skops"]),
        ("notes/old/read.me", ["notes/**/*.me"]),
        (".DS_Store", [".*"]),
        (".hidden.skops", [".*"]),
        ("line-9.skops", ["line-9.*"]),
        ("examples.json", ["examples.json"]),
        ("[1].txt", [r"\[1\].txt"]),
    ],
)
def test_what_a_pattern_ignores_is_as_if_it_were_not_there(
    name: str, patterns: list[str], tmp_path: Path
) -> None:
    (model,) = models_in_folder(folder_of(tmp_path, "a.skops", name), TYPE, patterns)
    assert (model.uid, model.examples) == ("a", ())


@pytest.mark.parametrize(
    ("name", "pattern"), [("sub/top.txt", "/top.txt"), ("train.log", "log"), ("notes", "notes/")]
)
def test_a_pattern_ignores_no_more_than_it_says(name: str, pattern: str, tmp_path: Path) -> None:
    with pytest.raises(FormatError, match=f"not taken: {name};"):
        models_in_folder(folder_of(tmp_path, "a.skops", name), TYPE, [pattern])


@pytest.mark.parametrize("pattern", ["", " ", "!a.skops", "# a"])
def test_a_pattern_that_ignores_nothing_is_refused(pattern: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="ignores nothing; give a pattern such as"):
        models_in_folder(folder_of(tmp_path, "a.skops"), TYPE, [pattern])


def test_a_folder_that_is_a_model_is_taken_whole_and_ignored_whole(tmp_path: Path) -> None:
    names = ("a.savedmodel/saved_model.pb", "a.savedmodel/assets/words.txt", "b.savedmodel/saved_model.pb")
    folder = folder_of(tmp_path, *names, "sub/d.savedmodel/variables/e.savedmodel/saved_model.pb")
    assert [model.uid for model in models_in_folder(folder, SAVED_MODEL)] == ["a", "b", "sub/d"]
    ignored = ["b.savedmodel/", "/sub"]
    assert [model.uid for model in models_in_folder(folder, SAVED_MODEL, ignored)] == ["a"]
    (folder / "c" / "saved_model.pb").parent.mkdir()
    (folder / "c" / "saved_model.pb").write_bytes(b"a model")
    with pytest.raises(
        FormatError, match=r"not taken: c/saved_model.pb; a model of this set is a folder <uid>"
    ):
        models_in_folder(folder, SAVED_MODEL)


def test_what_is_ignored_is_no_part_of_a_folder_that_is_a_model(tmp_path: Path) -> None:
    names = ("a.savedmodel/saved_model.pb", "a.savedmodel/Thumbs.db", "a.savedmodel/logs/deep/train.log")
    (model,) = models_in_folder(folder_of(tmp_path, *names), SAVED_MODEL, ["Thumbs.db", "logs/"])
    with tarfile.open(fileobj=io.BytesIO(model.read())) as archive:
        assert archive.getnames() == ["saved_model.pb"]


def test_recorded_examples_are_no_model_of_a_set_of_json(tmp_path: Path) -> None:
    folder = folder_of(tmp_path, "a.json", examples={"a": EXAMPLE})
    (model,) = models_in_folder(folder, ModelType.parse("xgboost/json"))
    assert model.examples
