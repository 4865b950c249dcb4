"""The steps of the demo, in order; their results are kept for the promises."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from bluegrid.tour.predictions import Predicted, predict
from bluegrid_registry.contract import service_path
from tools.demo import steps
from tools.demo.prepare import EXAMPLE
from tools.demo.workspace import SERVICE
from tools.load.process import Load

if TYPE_CHECKING:
    from pathlib import Path

    from tools.demo.printer import Printer
    from tools.demo.workspace import Ran, Workspace
    from tools.load.report import LoadReport

RATE = 420
"""Requests a second, open loop."""

LONGEST = 1500
"""Seconds after which the load ends by itself, even if the demo was killed."""

DAMAGED = "line-17"
"""The model of v4 whose byte is flipped."""


@dataclass(frozen=True)
class Results:
    """The result of every step.

    Attributes:
        pushed: the versions, in order.
        changed: UIDs of the models that differ between v2 and v3.
        deployed: the first `pulumi up`.
        predicted: answers of the first version.
        added: the `pulumi up` that started d2.
        switched, switched_back: the switches to d2 and back to d1.
        replaced: the one `pulumi up` that added d3, switched to it and removed d1.
        damaged_pack: SHA-256 of v4's pack, a byte of which was flipped.
        found: the output of `bluegrid verify` for the damaged v4.
        refused: the `pulumi up` with d4, which serves the damaged v4.
        past: the switch to d2 with d4 still declared.
        healed: the push that replaced the damaged pack.
        sound: the output of `bluegrid verify` for v4 after that.
        at_last: the `pulumi up` that added d4 after that, and the switch to it.
        last: answers of v4.
        load: the requests that were sent during all steps.
    """

    pushed: tuple[steps.Pushed, ...]
    changed: tuple[str, ...]
    deployed: Ran
    predicted: Predicted
    added: Ran
    switched: steps.Switched
    switched_back: steps.Switched
    replaced: Ran
    damaged_pack: str
    found: Ran
    refused: Ran
    past: Ran
    healed: steps.Pushed
    sound: Ran
    at_last: steps.Switched
    last: Predicted
    load: LoadReport


def run(work: Workspace, models: Path, printer: Printer) -> Results:
    """Run all steps.

    Raises:
        BluegridError: a command failed that should not have.
    """
    printer.title("Four versions of 186 models go to the store")
    steps.declare_set(work, EXAMPLE)
    pushed = [steps.push(work, models / version, version) for version in ("v1", "v2")]
    pushed.append(steps.push(work, models / "v3", "v3", base="v2"))
    pushed.append(steps.push(work, models / "v4", "v4"))
    for each in pushed:
        sent = f"{each.sent_models} of {each.models} models sent"
        printer.line(each.version, f"{sent}, {each.sent_bytes / 1e6:.2f} MB, {each.seconds:.1f} s")
    changed = tuple(model["uid"] for model in steps.diff(work, "v2", "v3").json()["changed"])

    printer.title(f"{SERVICE} goes online: cluster d1 serves v1 with two pods")
    steps.declare_service(work)
    deployed = steps.up(work).require()

    printer.title("Every device's model answers a request through the Ingress")
    predicted = predict(service_url(work), models)
    printer.line(predicted.version, _words(predicted))

    with Load.start(
        url=work.place.route_url,
        service=SERVICE,
        requests=models / "requests.json",
        rate=RATE,
        seconds=LONGEST,
        report=work.state / "load.json",
    ) as load:
        printer.title(f"From here on {RATE} requests a second: cluster d2 starts beside d1, with v2")
        steps.add_cluster(work, "d2", "v2")
        added = steps.up(work).require()
        printer.title("Switch to d2")
        switched = steps.switch(work, "d2")
        printer.title("And back to d1")
        switched_back = steps.switch(work, "d1")
        printer.title("In one update: d3 with v3 starts, goes live, d1 is removed")
        steps.add_cluster(work, "d3", "v3")
        steps.edit_live(work, "d3")
        steps.remove_cluster(work, "d1")
        replaced = steps.up(work).require()

        printer.title("A byte of v4 is flipped in the store; cluster d4 is to serve it")
        damaged_pack = steps.damage(work, "v4", DAMAGED)
        found = steps.verify(work, "v4")
        steps.add_cluster(work, "d4", "v4")
        refused = steps.up(work)
        printer.title("d4 is refused and still declared; a switch to d2 works")
        past = steps.switch_past_a_failed_cluster(work, "d2").require()
        printer.title("d4 is taken out, v4 pushed again, d4 added and switched to")
        steps.remove_cluster(work, "d4")
        steps.up(work).require()
        healed = steps.push(work, models / "v4", "v4")
        sound = steps.verify(work, "v4")
        steps.add_cluster(work, "d4", "v4")
        steps.up(work).require()
        at_last = steps.switch(work, "d4")
        last = predict(service_url(work), models)
        report = load.stop()
    return Results(
        tuple(pushed),
        changed,
        deployed,
        predicted,
        added,
        switched,
        switched_back,
        replaced,
        damaged_pack,
        found,
        refused,
        past,
        healed,
        sound,
        at_last,
        last,
        report,
    )


def service_url(work: Workspace) -> str:
    """Return the URL of the demo's service through its proxy."""
    return f"{work.place.route_url}{service_path(SERVICE)}"


def _words(predicted: Predicted) -> str:
    answers = f"{predicted.one_by_one} answers one by one, {predicted.in_one_batch} in one request"
    return f"{answers}; largest relative difference from training {predicted.largest_difference:.1e}"
