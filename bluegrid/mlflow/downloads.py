"""Downloads the models of runs: of each its `MLmodel`, its requirements and its native file.

Where a model lies depends on the release that logged it: MLflow 3 has models of their own, which a run names
as outputs; MLflow 2 has folders among the artifacts of the run. Files of a store that the server serves by
its proxy (`mlflow-artifacts:`) come from there, all others by the routes that MLflow's own page uses.
"""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import quote, urlencode, urlsplit

from bluegrid.mlflow.flavours import MLMODEL, native_file
from bluegrid.mlflow.lineage import lineage_of
from bluegrid.mlflow.server import CONNECTIONS, MlflowMissing, MlflowRefused
from bluegrid_registry import FormatError, SourceModel

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from bluegrid.mlflow.server import MlflowServer
    from bluegrid.mlflow.sources import Count, ModelOrigin
    from bluegrid_registry import ModelType

MAX_TEXT_BYTES = 2**20
"""Largest `MLmodel` or `requirements.txt`, in bytes."""
MAX_FILE_BYTES = 4 * 2**30
"""Largest model, in bytes: a pack holds no larger one."""
_REQUIREMENTS = "requirements.txt"
_PROXY = "/api/2.0/mlflow-artifacts/artifacts/"
_HISTORY = "mlflow.log-model.history"
"""Tag in which MLflow 2 lists the models of a run."""


@dataclass(frozen=True)
class Downloads:
    """The models of an import.

    Attributes:
        models: to push.
        faults: a line for each model that could not be imported, with the reason and the remedy, by UID.
    """

    models: Sequence[SourceModel]
    faults: Mapping[str, str]


@dataclass(frozen=True)
class _Folder:
    """The folder of a model on the server: returns the path of a request for one of its files."""

    request_of: Callable[[str], str]


class _LoggedModel(NamedTuple):
    """A model of MLflow 3: its name, when it was made (ms since 1970), and its folder."""

    name: str
    created: int
    folder: _Folder


def download(
    server: MlflowServer,
    origins: Sequence[ModelOrigin],
    into: Path,
    model_type: ModelType,
    set_id: str,
    artifact: str | None,
    count: Count,
) -> Downloads:
    """Download models into a folder, several at a time.

    Args:
        server: the tracking server.
        origins: the runs of the models.
        into: an empty folder.
        model_type: of the set.
        set_id: the set, for messages.
        artifact: name under which the runs logged their models; None: each has logged one.
        count: is called after each model.

    Raises:
        MlflowRefused: the server does not answer.
    """
    models, faults = [], {}
    with ThreadPoolExecutor(CONNECTIONS) as pool:
        numbered = enumerate(origins)
        fetched = [
            pool.submit(_Fetch(server, origin, into / str(number), model_type, set_id, artifact).model)
            for number, origin in numbered
        ]
        for done, (origin, future) in enumerate(zip(origins, fetched, strict=True), start=1):
            try:
                models.append(future.result())
            except (FormatError, MlflowMissing) as error:
                faults[origin.uid] = f"{origin.place}: {error}"
            except MlflowRefused as error:
                pool.shutdown(cancel_futures=True)
                raise MlflowRefused(f"{origin.place}: {error}") from None
            except BaseException:
                pool.shutdown(cancel_futures=True)
                raise
            count(done, len(origins))
    return Downloads(models, faults)


@dataclass(frozen=True)
class _Fetch:
    """The download of one model into the files that begin with the path `into`."""

    server: MlflowServer
    origin: ModelOrigin
    into: Path
    model_type: ModelType
    set_id: str
    artifact: str | None

    def model(self) -> SourceModel:
        """Download the model; FormatError or MlflowMissing if it cannot be imported."""
        folder = self._folder()
        text = self._text(folder, MLMODEL)
        file = native_file(_parsed(text), self.model_type, self.set_id)
        requirements: Sequence[str] = ()
        with suppress(MlflowRefused):  # an old model has none
            lines = self._text(folder, _REQUIREMENTS).decode("utf-8", "replace").splitlines()
            requirements = [line for line in lines if line.strip() and not line.startswith(("#", "-"))]
        path = self.into.with_suffix(".model")
        self.server.download(folder.request_of(file), path, MAX_FILE_BYTES)
        return SourceModel(self.origin.uid, path, lineage=lineage_of(self.origin, requirements))

    def _text(self, folder: _Folder, name: str) -> bytes:
        path = self.into.with_suffix(f".{name}")
        self.server.download(folder.request_of(name), path, MAX_TEXT_BYTES)
        data = path.read_bytes()
        path.unlink()
        return data

    def _folder(self) -> _Folder:
        version, run = self.origin.version, self.origin.run
        if version is not None:
            return self._folder_of_version(version)
        outputs = run.get("outputs", {}).get("model_outputs", ())
        if outputs:
            logged = [(int(each.get("step", 0)), self._logged_model(each["model_id"])) for each in outputs]
            ordered = sorted(logged, key=lambda each: (each[0], each[1].created))
            return self._chosen([(model.name, model.folder) for _, model in ordered])
        return self._chosen([(path, self._of_run(path)) for path in self._paths_in_run()])

    def _folder_of_version(self, version: Mapping[str, Any]) -> _Folder:
        source = str(version.get("source", ""))
        if source.startswith("models:/m-"):
            return self._logged_model(source.removeprefix("models:/")).folder
        found = self.server.get(
            "/model-versions/get-download-uri", name=version["name"], version=version["version"]
        )
        uri = str(found.get("artifact_uri", ""))
        if (proxied := _proxied(uri)) is not None:
            return proxied
        root = self.origin.run.get("info", {}).get("artifact_uri", "")
        if root and uri.startswith(f"{root}/"):
            return self._of_run(uri.removeprefix(f"{root}/"))
        raise FormatError(f"its files are at {uri}, outside of its run; register a model that a run logged")

    def _logged_model(self, model_id: str) -> _LoggedModel:
        """Return a model of MLflow 3."""
        info = self.server.get(f"/logged-models/{quote(model_id, safe='')}")["model"]["info"]
        proxied = _proxied(str(info.get("artifact_uri", "")))
        route = f"/ajax-api/2.0/mlflow/logged-models/{quote(model_id, safe='')}/artifacts/files"
        by_page = _Folder(lambda file: f"{route}?{urlencode({'artifact_file_path': file})}")
        created = int(info.get("creation_timestamp_ms", 0))
        return _LoggedModel(str(info.get("name", model_id)), created, proxied or by_page)

    def _of_run(self, path: str) -> _Folder:
        """Return the folder of a model among the artifacts of the run."""
        run_id, root = self.origin.run_id, str(self.origin.run.get("info", {}).get("artifact_uri", ""))
        proxied = _proxied(f"{root}/{path}" if path else root)
        inner = f"{path}/" if path else ""
        by_page = _Folder(lambda file: f"/get-artifact?{urlencode({'run_id': run_id, 'path': inner + file})}")
        return proxied or by_page

    def _paths_in_run(self) -> list[str]:
        """Return the paths of the models among the artifacts of the run, the newest last."""
        tags = {each["key"]: each.get("value", "") for each in self.origin.run["data"].get("tags", ())}
        with suppress(ValueError, KeyError, TypeError):
            return [*dict.fromkeys(str(each["artifact_path"]) for each in json.loads(tags[_HISTORY]))]
        names = self._listed("")
        if MLMODEL in names:
            return [""]
        return [
            path
            for path, is_folder in names.items()
            if is_folder and f"{path}/{MLMODEL}" in self._listed(path)
        ]

    def _listed(self, path: str) -> dict[str, bool]:
        """Return the artifacts of the run in a folder, and whether each is a folder."""
        query = {"run_id": self.origin.run_id, **({"path": path} if path else {})}
        files = self.server.get("/artifacts/list", **query).get("files", ())
        return {str(each["path"]): bool(each.get("is_dir")) for each in files}

    def _chosen(self, found: Sequence[tuple[str, _Folder]]) -> _Folder:
        """Return the last model of the name, since later steps of a training come later."""
        named = dict(found)
        if self.artifact is not None and self.artifact in named:
            return named[self.artifact]
        names = ", ".join(sorted(named))
        if self.artifact is not None:
            raise FormatError(
                f"has logged no model {self.artifact!r}, but: {names or 'none'}; correct --artifact"
            )
        if not named:
            raise FormatError(
                "has logged no MLflow model; log one (mlflow.<flavour>.log_model), or push its files: "
                "bluegrid push"
            )
        if len(named) > 1:
            raise FormatError(f"has logged {len(named)} models: {names}; name one: --artifact NAME")
        return found[-1][1]


def _proxied(uri: str) -> _Folder | None:
    """Return the folder at an address of the server's proxy; None: the address is of another store."""
    parts = urlsplit(uri)
    if parts.scheme != "mlflow-artifacts":
        return None
    root = parts.path.strip("/")
    return _Folder(lambda file: f"{_PROXY}{quote(f'{root}/{file}')}")


def _parsed(text: bytes) -> Any:
    import yaml

    try:
        return yaml.safe_load(text)
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise FormatError(f"its {MLMODEL} is not YAML: {str(error).splitlines()[0]}") from None
