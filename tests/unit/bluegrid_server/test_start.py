"""Reasons not to serve a version, and where they are printed."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
import skops.io
from sklearn.base import BaseEstimator
from sklearn.cluster import DBSCAN
from sklearn.linear_model import Ridge
from sklearn.svm import SVR

from bluegrid_registry import (
    ConfigError,
    KeyAlgorithm,
    ModelType,
    PrivateKey,
    TrustedKey,
    open_store,
    sign,
)
from bluegrid_server import __main__, logs, termination
from bluegrid_server.models.version import fetch_version
from tests.support.pods import environment_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from bluegrid_server.settings import Settings
    from tests.support.pods import Trained

    Publish = Callable[[Path], Settings]
    Preflight = Callable[[Settings], tuple[int, str]]


class OwnModel(BaseEstimator):  # type: ignore[misc]
    """A type that no pod trusts."""


@pytest.fixture
def folder(trained: Trained, tmp_path: Path) -> Path:
    """A copy of the trained models, to be damaged."""
    return Path(shutil.copytree(trained.folder, tmp_path / "folder"))


@pytest.fixture
def preflight(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Preflight:
    """Runs the preflight; returns its exit code and its stderr, or stdout if stderr is empty."""
    monkeypatch.setattr(logs, "configure", lambda: None)

    def run(settings: Settings) -> tuple[int, str]:
        code = __main__.main(["preflight"], environment_of(settings))
        written = capsys.readouterr()
        return code, written.err or written.out.splitlines()[-1]

    return run


def test_a_sound_version_passes(preflight: Preflight, settings: Settings) -> None:
    code, message = preflight(settings)
    assert code == 0
    assert message.startswith(
        "set g1 version v1: 3 models fetched, verified and loaded, 3 recorded examples reproduced, "
        "0 made rows answered, in "
    )


def test_models_without_recorded_examples_answer_made_rows(
    preflight: Preflight, publish: Publish, folder: Path
) -> None:
    (folder / "examples.json").unlink()
    code, message = preflight(publish(folder))
    assert code == 0
    assert "0 recorded examples reproduced, 3 made rows answered, in " in message


def test_a_model_that_cannot_answer_refuses_the_version(
    preflight: Preflight, publish: Publish, folder: Path
) -> None:
    estimator = SVR().fit(np.eye(3), [0.0, 1.0, 2.0])
    del estimator._sparse
    skops.io.dump(estimator, folder / "line-3.skops")
    code, message = preflight(publish(folder))
    assert code == 3
    assert message.startswith(
        "set g1 version v1: model line-3 cannot answer any request for 'x' FP64 [-1, 3]: "
    )
    assert message.count("\n") == 1


def test_a_damaged_pack_is_told_on_one_line_and_ends_with_3(preflight: Preflight, settings: Settings) -> None:
    store = Path(settings.store.removeprefix("file://"))
    # Recorded examples have a smaller pack of their own.
    pack = max(store.rglob("*.mpk"), key=lambda path: path.stat().st_size)
    data = bytearray(pack.read_bytes())
    data[len(data) // 2] ^= 1
    pack.write_bytes(data)
    code, message = preflight(settings)
    assert code == 3
    assert message.startswith("set g1 version v1: model ")
    assert f"in pack {pack.stem[:8]}" in message
    assert message.count("\n") == 1


def test_the_reason_is_also_the_termination_message(
    preflight: Preflight, settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = tmp_path / "termination-log"
    log.touch()
    monkeypatch.setattr(termination, "TERMINATION_LOG", log)
    _, message = preflight(settings.model_copy(update={"version": "v9"}))
    assert "v9" in message
    assert log.read_text() == message.rstrip("\n")


def test_an_example_that_does_not_reproduce_refuses_the_version(
    preflight: Preflight, publish: Publish, folder: Path
) -> None:
    examples = json.loads((folder / "examples.json").read_text())
    examples["line-2"]["outputs"][1] += 0.001
    (folder / "examples.json").write_text(json.dumps(examples))
    code, message = preflight(publish(folder))
    assert code == 3
    assert message.startswith(
        "set g1 version v1: model line-2 does not reproduce its recorded example: row 1: expected "
    )


def test_an_example_within_its_tolerance_reproduces(
    preflight: Preflight, publish: Publish, folder: Path
) -> None:
    examples = json.loads((folder / "examples.json").read_text())
    examples["line-2"]["outputs"][1] += 0.001
    examples["line-2"]["atol"] = 0.002
    (folder / "examples.json").write_text(json.dumps(examples))
    assert preflight(publish(folder))[0] == 0


def test_an_example_of_other_features_refuses_the_version(
    preflight: Preflight, publish: Publish, folder: Path
) -> None:
    examples = {"line-1": {"inputs": [[1.0]], "outputs": [1.0]}}
    (folder / "examples.json").write_text(json.dumps(examples))
    code, message = preflight(publish(folder))
    assert code == 3
    assert message.startswith(
        "set g1 version v1: model line-1 takes 3 features, its recorded example has 1; "
    )


def test_a_type_that_is_not_trusted_is_never_built(
    preflight: Preflight, publish: Publish, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    skops.io.dump(OwnModel(), folder / "line-3.skops")

    def never(*_: object) -> None:
        raise AssertionError("it was built")

    monkeypatch.setattr(OwnModel, "__new__", never)
    code, message = preflight(publish(folder))
    assert code == 3
    assert message.startswith("set g1 version v1: model line-3 holds types that are not trusted: ")
    assert "OwnModel" in message


@pytest.mark.parametrize(
    ("estimator", "message"),
    [
        (DBSCAN().fit(np.eye(3)), "is a fitted DBSCAN without predict, transform"),
        (Ridge(), "is a Ridge that was not fitted; call its fit before it is saved"),
    ],
    ids=["no predict", "not fitted"],
)
def test_what_cannot_predict_is_no_model(
    preflight: Preflight, publish: Publish, folder: Path, estimator: BaseEstimator, message: str
) -> None:
    skops.io.dump(estimator, folder / "line-3.skops")
    code, said = preflight(publish(folder))
    assert code == 3
    assert said.startswith(f"set g1 version v1: model line-3 {message}")


def test_a_file_of_something_else_is_no_model(preflight: Preflight, publish: Publish, folder: Path) -> None:
    (folder / "line-3.skops").write_bytes(b"no zip")
    code, message = preflight(publish(folder))
    assert code == 3
    assert message.startswith(
        "set g1 version v1: model line-3 is no skops file that this image reads (BadZipFile"
    )


def test_a_version_that_nobody_trusted_has_signed_is_not_served(
    preflight: Preflight, settings: Settings
) -> None:
    ours, theirs = (PrivateKey.generate(KeyAlgorithm.ED25519) for _ in range(2))
    trusting = settings.model_copy(update={"keys": (TrustedKey(id="ops", public=ours.public("ops").text),)})
    store = open_store(settings.store)
    sign(store, "g1", "v1", settings.manifest, theirs)
    code, message = preflight(trusting)
    assert code == 3
    assert message.startswith("set g1 version v1: is not signed by a trusted key (ops); sign it with")
    sign(store, "g1", "v1", settings.manifest, ours)
    assert preflight(trusting)[0] == 0


def test_another_type_than_the_version_has_is_refused(settings: Settings) -> None:
    other = ModelType.parse("scikit-learn/joblib")
    with pytest.raises(ConfigError, match="scikit-learn/joblib, but set g1 version v1 is of scikit-learn"):
        fetch_version(settings.model_copy(update={"type": other}), lambda _: None)


def test_a_fault_of_ours_is_one_line_too(
    preflight: Preflight, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bluegrid_server.models.version.fetch", lambda *_, **__: 1 / 0)
    code, message = preflight(settings)
    assert code == 3
    assert message.startswith("set g1 version v1: bug in the model server: ZeroDivisionError")
    assert message.count("\n") == 1


def test_a_reason_of_many_lines_is_told_on_one(capsys: pytest.CaptureFixture[str]) -> None:
    assert termination.give_up("models.x: wrong\n  got 1\n") == 3
    assert capsys.readouterr().err == "models.x: wrong got 1\n"


def test_a_missing_environment_ends_with_3(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(logs, "configure", lambda: None)
    assert __main__.main([], {}) == 3
    assert capsys.readouterr().err.startswith("BLUEGRID_STORE: is not set; ")


def test_an_unknown_command_is_wrong_usage(capsys: pytest.CaptureFixture[str]) -> None:
    assert __main__.main(["update"], {}) == 2
    assert capsys.readouterr().err == "usage: python -m bluegrid_server [serve|preflight|attached]\n"
