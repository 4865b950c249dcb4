"""The end of a trainer's output is kept, however long the output is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bluegrid.updates.publishing.trainer_output import MAX_OUTPUT, OutputFile

if TYPE_CHECKING:
    from pathlib import Path


def test_the_last_lines_of_much_are_kept_and_the_file_stays_small(tmp_path: Path) -> None:
    output = OutputFile(tmp_path / "7.log")
    with output.begun(60):
        for number in range(50_000):
            output.add(f"epoch {number}")
        assert output.path.stat().st_size < 2.1 * MAX_OUTPUT
        assert output.read(2).lines == ("epoch 49998", "epoch 49999")
    kept = output.read(100_000).lines
    assert sum(len(line) + 1 for line in kept) <= MAX_OUTPUT
    assert kept == tuple(f"epoch {number}" for number in range(50_000 - len(kept), 50_000))
    assert len(kept) > 4000


def test_it_is_told_since_when_a_trainer_runs_and_when_it_ended(tmp_path: Path) -> None:
    output = OutputFile(tmp_path / "7.log")
    assert output.read(1).started is None
    with output.begun(60):
        runs = output.read(1)
        assert (runs.ended, runs.timeout_seconds, runs.lines) == (None, 60, ())
        assert runs.started is not None
        assert runs.seconds is not None
    over = output.read(1)
    assert over.ended is not None
    assert over.seconds == output.read(1).seconds


def test_a_run_that_is_tried_again_does_not_show_the_one_before(tmp_path: Path) -> None:
    first, second = (OutputFile(tmp_path / "7.log") for _ in range(2))
    with first.begun(60):
        first.add("first")
    with second.begun(60):
        assert (second.read(9).lines, second.read(9).ended) == ((), None)
