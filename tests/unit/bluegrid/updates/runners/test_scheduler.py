"""Updates on a schedule: none is missed, and none is requested twice."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from ruamel.yaml import YAML

from bluegrid.updates.jobs.database import Database
from bluegrid.updates.jobs.update_queue import UpdateQueue
from bluegrid.updates.registry_source.source import Folder
from bluegrid.updates.runners.scheduler import Scheduler

if TYPE_CHECKING:
    from tests.support.updating import Place


SEEN = datetime(2026, 11, 25, 12, tzinfo=UTC)
NIGHT = datetime(2026, 11, 26, 1, 30, tzinfo=UTC)  # 2:30 in Berlin
JITTER = timedelta(seconds=600)


@pytest.fixture
def scheduler(place: Place) -> Scheduler:
    """A scheduler of one set, whose trainer is not run here."""
    file, yaml = place.registry / "g1.yaml", YAML()
    document = yaml.load(file)
    document["set"]["update"] = {
        "trainer": {"command": ["train"]},
        "schedule": {"when": "30 2 * * *", "timeZone": "Europe/Berlin", "jitterSeconds": 600},
    }
    yaml.dump(document, file)
    return Scheduler(UpdateQueue(Database.open(place.folder / "journal.sqlite")), Folder(place.registry))


def asked_for(scheduler: Scheduler) -> int:
    return len(scheduler.queue.list("g1", None, 100))


def test_an_update_is_due_at_its_time_and_not_before(scheduler: Scheduler) -> None:
    scheduler.queue_due(SEEN)
    scheduler.queue_due(NIGHT - timedelta(seconds=1))
    assert asked_for(scheduler) == 0
    scheduler.queue_due(NIGHT + JITTER)
    (update,) = scheduler.queue.list("g1", None, 100)
    assert (update.author, update.wanted.base, update.wanted.train) == ("schedule", "v1", {})


def test_after_a_down_time_all_that_was_missed_is_one_update(scheduler: Scheduler) -> None:
    scheduler.queue_due(SEEN)
    later = NIGHT + timedelta(days=9) + JITTER
    for _ in range(3):
        scheduler.queue_due(later)
    assert asked_for(scheduler) == 1


def test_an_update_that_is_due_waits_for_the_one_before(scheduler: Scheduler) -> None:
    scheduler.queue_due(SEEN)
    scheduler.queue_due(NIGHT + JITTER)
    scheduler.queue_due(NIGHT + JITTER + timedelta(days=1))
    assert asked_for(scheduler) == 1
    (first,) = scheduler.queue.list("g1", None, 100)
    scheduler.queue.cancel(first.id, "operator")
    scheduler.queue_due(NIGHT + JITTER + timedelta(days=1))
    assert asked_for(scheduler) == 2


def test_a_clock_that_was_ahead_does_not_silence_a_schedule(scheduler: Scheduler) -> None:
    scheduler.queue_due(NIGHT + timedelta(days=4000))
    scheduler.queue_due(SEEN)
    scheduler.queue_due(NIGHT + JITTER)
    assert asked_for(scheduler) == 1


def test_a_schedule_that_comes_back_has_missed_nothing(scheduler: Scheduler, place: Place) -> None:
    scheduler.queue_due(SEEN)
    file = place.registry / "g1.yaml"
    text = file.read_text()
    yaml = YAML()
    document = yaml.load(text)
    del document["set"]["update"]["schedule"]
    yaml.dump(document, file)
    scheduler.queue_due(SEEN + timedelta(days=1))
    file.write_text(text)
    half_a_year = SEEN + timedelta(days=180)
    scheduler.queue_due(half_a_year)
    assert asked_for(scheduler) == 0
    scheduler.queue_due(half_a_year + timedelta(days=1, hours=1))
    assert asked_for(scheduler) == 1


def test_two_servers_ask_for_what_is_due_once(scheduler: Scheduler, place: Place) -> None:
    scheduler.queue_due(SEEN)
    other = Scheduler(UpdateQueue(Database.open(place.folder / "journal.sqlite")), scheduler.source)
    for each in (scheduler, other):
        each.queue_due(NIGHT + JITTER)
    assert asked_for(scheduler) == 1
