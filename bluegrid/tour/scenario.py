"""The steps of the tour. Each is a command as a user types it; its result is checked."""

from __future__ import annotations

import json
import os
import shlex
import time
from contextlib import chdir, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Protocol

from bluegrid.local import LocalServer, LocalVersion
from bluegrid.local.server import free_port
from bluegrid.tour.faults import flip_a_byte
from bluegrid.tour.predictions import Predicted, predict
from bluegrid_registry import BluegridError, Registry

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

SET, SERVICE = "g1", "line-loading"
ONE = "line-17"
"""The model that is asked, and whose byte is flipped."""
DAMAGED = "v4"
_MODELS, _STORE = Path("models"), Path("store")
_SET_OPTIONS = ("--name", "Line loading", "--task", "regression", "--type", "scikit-learn/skops")


class Screen(Protocol):
    """Where the tour shows what it does."""

    def title(self, text: str) -> None:
        """Show the heading of a step."""

    def line(self, text: str) -> None:
        """Show a line."""

    def command(self, text: str) -> None:
        """Show a command."""

    def progress(self, text: str) -> None:
        """Show progress in place of earlier progress."""


@dataclass(frozen=True)
class Toured:
    """What the tour has proven.

    Attributes:
        models: number of models of each version.
        predicted: answers of version v2.
        refusal: why the damaged version was not served.
        training: seconds of the training.
        seconds: seconds of all steps.
    """

    models: int
    predicted: Predicted
    refusal: str
    training: float
    seconds: float


class Tour:
    """One run in an empty folder.

    Args:
        folder: the folder; afterwards it has models, registry and store.
        bluegrid: runs a command and returns its exit code.
        screen: shows the steps.
    """

    def __init__(self, folder: Path, bluegrid: Callable[[list[str]], int], screen: Screen) -> None:
        self._folder, self._bluegrid, self._screen = folder, bluegrid, screen

    def run(self) -> Toured:
        """Take all steps.

        Raises:
            BluegridError: a step had another result than it should have.
        """
        began = time.monotonic()
        with chdir(self._folder), _environment(BLUEGRID_STORE=(self._folder / _STORE).as_uri()):
            training = self._train()
            self._push()
            predicted = self._serve("v2")
            refusal = self._damage_and_heal()
        return Toured(predicted.one_by_one, predicted, refusal, training, time.monotonic() - began)

    def _train(self) -> float:
        # Imported here: it takes seconds, and needs the extra `tour`.
        from bluegrid.tour.line_loading.training import train

        self._screen.title(
            "Train a model for each of the 186 branches of the IEEE 118-bus network, four versions"
        )
        report = train(_MODELS, lambda what, done, total: self._screen.progress(f"{what}: {done} of {total}"))
        for fit in report.fits:
            self._screen.line(f"{fit.version}: {fit.models} models trained, median R2 {fit.r2_median:.3f}")
        return report.seconds

    def _push(self) -> None:
        self._screen.title("Push the versions into a store: of v3 one model has changed, and one is sent")
        for folder in (Path("registry"), _STORE):
            folder.mkdir()
        self._run("set", "add", SET, *_SET_OPTIONS)
        for version, base in (("v1", ()), ("v2", ()), ("v3", ("--base", "v2")), (DAMAGED, ())):
            self._run("push", f"{_MODELS}/{version}", "--set", SET, "--version", version, *base)
        self._screen.title("Verify every byte, and compare two versions")
        self._run("verify", SET)
        self._run("version", "diff", SET, "v2", "v3")

    def _serve(self, version: str) -> Predicted:
        self._screen.title(f"Serve {version} by the server of the pods; ask one model, then all of them")
        with self._server(version) as server:
            self._screen.progress("starting")
            server.wait_until_ready(self._screen.progress)
            rows = json.loads((_MODELS / "requests.json").read_text())["inputs"][ONE]
            Path(f"{ONE}.json").write_text(json.dumps(rows))
            self._run("predict", ONE, "--url", server.url, "--data", f"{ONE}.json")
            predicted = predict(server.url, _MODELS)
        answers = f"{predicted.one_by_one} answers one by one, {predicted.in_one_batch} in one request"
        self._screen.line(
            f"{answers}; largest relative difference from the training {predicted.largest_difference:.1e}"
        )
        if predicted.largest_difference > 1e-6 or predicted.version != version:
            raise BluegridError(
                f"the answers of {predicted.version} are not those of the training: report this"
            )
        return predicted

    def _damage_and_heal(self) -> str:
        self._screen.title(
            f"Flip a byte of {ONE} in {DAMAGED}, as a failing disk does: it is found, and not served"
        )
        flip_a_byte(Path("registry"), os.environ["BLUEGRID_STORE"], SET, DAMAGED, ONE)
        self._run("verify", SET, DAMAGED, exit_code=1)
        refusal = ""
        with self._server(DAMAGED) as server:
            try:
                server.wait_until_ready(self._screen.progress)
            except BluegridError as error:
                refusal = str(error)
        self._screen.line(f"error: {refusal}")
        if ONE not in refusal:
            raise BluegridError(f"{DAMAGED} was served with a damaged model: report this")
        self._screen.title("Push the same models again: what is damaged is replaced")
        self._run("push", f"{_MODELS}/{DAMAGED}", "--set", SET, "--version", DAMAGED)
        self._run("verify", SET, DAMAGED)
        return refusal

    @contextmanager
    def _server(self, version: str) -> Iterator[LocalServer]:
        store = os.environ["BLUEGRID_STORE"]
        self._screen.command(shlex.join(["bluegrid", "serve", SET, version, "--service", SERVICE]))
        file = Registry.load(Path("registry")).of_set(SET)
        to_serve = LocalVersion(store, file.set, file.version(version), SERVICE)
        with (
            TemporaryDirectory(prefix="served-", dir=self._folder) as folder,
            LocalServer(
                to_serve, Path(folder), host="127.0.0.1", port=free_port(), warn=self._screen.line
            ) as server,
        ):
            yield server

    def _run(self, *arguments: str, exit_code: int = 0) -> None:
        self._screen.command(shlex.join(["bluegrid", *arguments]))
        found = self._bluegrid([*arguments])
        if found != exit_code:
            command = shlex.join(["bluegrid", *arguments])
            raise BluegridError(f"`{command}` ended with {found}, not with {exit_code}; see above")


@contextmanager
def _environment(**variables: str) -> Iterator[None]:
    """Set environment variables in place of all of bluegrid's own, such as BLUEGRID_REGISTRY."""
    before = {**os.environ}
    for name in [name for name in before if name.startswith("BLUEGRID_")]:
        del os.environ[name]
    os.environ.update(variables)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)
