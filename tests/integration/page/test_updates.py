"""The page's text for updates under way, and how to end an update."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from bluegrid.updates.jobs.bad_versions import BadVersions
from bluegrid.updates.jobs.database import Database
from bluegrid.updates.jobs.update import RolloutStatus, UpdateRequest, UpdateResult, UpdateState
from bluegrid.updates.jobs.update_queue import UpdateQueue
from bluegrid.updates.publishing.trainer_output import OutputFile
from bluegrid_registry.registry_files.update_policy import RolloutKind
from tests.integration.page.conftest import service_row
from tests.support.updating import SOMEBODY, git

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.integration.page.conftest import Grid, Opened


@pytest.fixture
def queue(grid: Grid) -> Iterator[UpdateQueue]:
    """The queue of the server, which does not process it, since this fixture holds the lock."""
    state = grid.folder / "state"
    state.mkdir()
    database = Database.open(state / "journal.sqlite")
    with database.try_lock("updates") as ours:
        assert ours
        yield UpdateQueue(database)


@pytest.fixture
def baking(queue: UpdateQueue) -> int:
    """An update of g0 whose version v9 has been live for 412 s."""
    queue.add("g0", UpdateRequest(version="v9", base="v1", without=("line-1",)), "training", None)
    update = queue.begin()
    assert update is not None
    result = UpdateResult(manifest="sha256:" + "a" * 64, models=3, sent_models=1, sent_bytes=9, commit=None)
    queue.note_published(update, result)
    rollout = RolloutStatus(
        to=RolloutKind.LIVE,
        step="north: baking",
        cluster="d2",
        before={"north": "d1"},
        requests=900,
        baked_seconds=412,
        bake_seconds=600,
    )
    queue.note_rollout(update, rollout)
    return update.id


@pytest.fixture
def scheduled(grid: Grid) -> None:
    """Set g1 has a schedule, as the server finds it when it starts."""
    work = grid.folder / "work"
    file = work / "registry" / "g1.yaml"
    schedule = "schedule: {when: 30 2 * * *, timeZone: Europe/Berlin}"
    update = f"update: {{trainer: {{command: [/bin/true]}}, {schedule}}}"
    file.write_text(file.read_text().replace("source: platform}", f"source: platform, {update}}}"))
    git("-C", work, *SOMEBODY, "commit", "--quiet", "--all", "--message=Nightly")
    git("-C", work, "push", "--quiet", "origin", "HEAD:main")


def test_a_bake_is_told_beside_its_service_and_whoever_switches_ends_it(
    baking: int, queue: UpdateQueue, opened: Opened
) -> None:
    page = opened(token="operator")
    row = service_row(page, "service0")
    row.get_by_text("v9 is baking in north, 412 of 600 s").wait_for()
    assert row.get_by_role("progressbar").get_attribute("value") == "412"
    page.get_by_role("link", name="service0").click()
    page.get_by_text("v9 is baking in north, 412 of 600 s").wait_for()
    page.get_by_role("button", name=f"Roll back: cancel update {baking}").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_text("what was live before will be live again").wait_for()
    assert not queue.get(baking).cancel
    dialog.get_by_role("button", name=f"Cancel update {baking}").click()
    dialog.wait_for(state="detached")
    assert queue.get(baking).cancel


def test_a_training_shows_its_time_and_what_it_prints(grid: Grid, queue: UpdateQueue, opened: Opened) -> None:
    update = queue.add("g0", UpdateRequest(base="v1", train={"flows": 200}), "training", None)
    queue.begin()
    output = OutputFile(grid.folder / "state" / "outputs" / f"{update.id}.log")
    with output.begun(3600):
        output.add("epoch 1 <b>loss</b> 0.5")
        page = opened("#/updates")
        card = page.locator(f"[data-update='{update.id}']")
        card.get_by_text("trained models (flows: 200)").wait_for()
        card.get_by_text("of at most 60 min").wait_for()
        output.add("epoch 2 loss 0.25")
        card.get_by_text("last: epoch 2 loss 0.25").wait_for()
        card.get_by_text(f"What the trainer of update {update.id} prints").click()
        log = card.get_by_role("log")
        log.wait_for()
        assert log.inner_text() == "epoch 1 <b>loss</b> 0.5\nepoch 2 loss 0.25"
        output.add("epoch 3")
        page.wait_for_function("() => document.querySelector('[role=log]').innerText.endsWith('epoch 3')")


def test_a_rollout_stands_among_the_switches_of_its_service(baking: int, opened: Opened) -> None:
    page = opened("#/services/service0")
    row = page.locator(f"[data-rolled-out='{baking}']")
    row.get_by_text("north: d1 → d2").wait_for()
    assert row.get_attribute("data-state") == "running"
    row.get_by_text("north: baking").wait_for()


def test_a_version_that_was_rolled_back_or_held_back_or_is_marked_bad_says_so_among_the_versions(
    grid: Grid, queue: UpdateQueue, opened: Opened
) -> None:
    queue.add("g0", UpdateRequest(version="v2", base="v1", without=("line-1",)), "training", None)
    update = queue.begin()
    assert update is not None
    queue.end(
        update,
        UpdateState.ROLLED_BACK,
        error="v2 is not online: line-1 returned a non-finite value for output 'y'",
    )
    queue.add("g0", UpdateRequest(version="v1", base="v1", without=("line-2",)), "training", None)
    held = queue.begin()
    assert held is not None
    queue.end(held, UpdateState.HELD_BACK, error="v1 stays on standby as d2: mae is worse than in v0")
    marks = BadVersions(Database.open(grid.folder / "state" / "journal.sqlite"))
    marks.mark("g0", "v1", "anna", "wrong units")
    page = opened("#/versions/g0")
    page.get_by_text(f"Rolled back, update {update.id}: v2 is not online: line-1 returned").wait_for()
    page.get_by_text(f"Held back, update {held.id}: v1 stays on standby as d2: mae is worse").wait_for()
    page.get_by_text("Marked bad: wrong units (anna").wait_for()


def test_an_update_that_has_changed_nothing_says_so(queue: UpdateQueue, opened: Opened) -> None:
    queue.add("g0", UpdateRequest(base="v1", train={}), "schedule", None)
    update = queue.begin()
    assert update is not None
    queue.end(update, UpdateState.DONE)
    page = opened("#/updates")
    card = page.locator(f"[data-update='{update.id}']")
    card.get_by_text("Nothing has changed since v1: no new version.").wait_for()
    page.goto(page.url.replace("#/updates", "#/audit"))
    page.get_by_text(f"update {update.id} is done: nothing has changed").wait_for()


def test_older_updates_and_events_are_a_button_away(queue: UpdateQueue, opened: Opened) -> None:
    for number in range(203):
        queue.add("g0", UpdateRequest(base="v1", without=(f"line-{number}",)), "training", None)
    page = opened("#/updates")
    page.locator("[data-update='203']").wait_for()
    cards = page.locator("[data-update]")
    assert cards.count() == 100
    button = page.get_by_role("button", name="Older updates")
    button.click()
    page.locator("[data-update='101']").wait_for()
    button.click()
    page.locator("[data-update='1']").wait_for()
    assert cards.count() == 203
    button.wait_for(state="detached")
    page.goto(page.url.replace("#/updates", "#/audit"))
    events = page.locator("[data-act]")
    page.get_by_role("button", name="Older events").click()
    page.wait_for_function("() => document.querySelectorAll('[data-act]').length === 203")
    assert events.last.inner_text().endswith("line-0")


def test_a_schedule_is_shown_with_when_it_is_due_next(scheduled: None, opened: Opened) -> None:
    page = opened("#/updates")
    row = page.locator("[data-schedule=g1]")
    row.get_by_text("30 2 * * * Europe/Berlin").wait_for()
    row.get_by_text(re.compile(r"0[0-3]:30:00$")).wait_for()
