"""The queue of switches; for each service, at most one switch is under way."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING

from bluegrid.updates.errors import ApiError, not_found
from bluegrid.updates.jobs.audit_log import AuditAction, note_event
from bluegrid.updates.jobs.database import change_row, time_of
from bluegrid.updates.jobs.retries import LONGEST_WAIT_SECONDS, wait_seconds
from bluegrid.updates.jobs.switch import Switch, SwitchState
from bluegrid.updates.jobs.update import RolloutStatus
from bluegrid_registry.registry_files.update_policy import RolloutKind

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Mapping, Sequence

    from bluegrid.updates.jobs.database import Database


@dataclass(frozen=True)
class SwitchQueue:
    """The switches of a database."""

    database: Database

    def add(
        self,
        set_id: str,
        service: str,
        cluster: str,
        regions: Sequence[str],
        author: str,
        *,
        is_way_back: bool = False,
    ) -> Switch:
        """Add a switch.

        A switch back from a rollout cancels the rollout, and begins when the rollout has ended. An earlier
        switch that is not back ends.

        Args:
            set_id: the set of the service.
            service: the service.
            cluster: the cluster to make live.
            regions: the regions to switch, in order.
            author: who requested it.
            is_way_back: whether the cluster was live before.

        Raises:
            ApiError: another job changes what is live of the service.
        """
        with self.database.writing() as connection:
            rolling_out = connection.execute(
                "select id, rollout from rolling_out where set_id = ?", (set_id,)
            ).fetchone()
            if rolling_out is not None:
                update, rollout = rolling_out["id"], RolloutStatus.model_validate_json(rolling_out["rollout"])
                if not _is_way_back(rollout, cluster, regions):
                    fault = f"update {update} is being rolled out to {service}"
                    raise ApiError(
                        HTTPStatus.CONFLICT, f"{fault}; cancel it, and what was live before is live again"
                    )
                note_event(connection, author, AuditAction.CANCEL, update, {"switch": cluster})
                change_row(connection, "updates", update, {"cancel": True, "next_try": None})
            for other in connection.execute(
                "select * from open_switches where service = ?", (service,)
            ).fetchall():
                if other["state"] != SwitchState.NOT_BACK:
                    raise ApiError(
                        HTTPStatus.CONFLICT,
                        f"switch {other['id']} of {service} is under way; wait for its end",
                    )
                _end(connection, _switch(other), f"{other['back']}; given up for the switch to {cluster}")
            row = connection.execute(
                "insert into switches (set_id, service, cluster, regions, author, created, update_id,"
                " is_way_back) values (?, ?, ?, ?, ?, ?, ?, ?) returning *",
                (
                    set_id,
                    service,
                    cluster,
                    json.dumps([*regions]),
                    author,
                    time.time(),
                    rolling_out["id"] if rolling_out else None,
                    is_way_back,
                ),
            ).fetchone()
            _note(connection, author, AuditAction.SWITCH, _switch(row))
            return _switch(row)

    def begin(self) -> Switch | None:
        """Return the next switch for the server that holds the lock; None: there is none now.

        The oldest switch is first; switches that are not back are after switches that were not tried yet.
        """
        now = time.time()
        with self.database.writing() as connection:
            row = connection.execute(
                # A time further ahead was written with a wrong clock.
                "select * from open_switches where (next_try is null or next_try not between ? and ?)"
                " and (update_id is null or update_id not in (select id from rolling_out))"
                " order by state = 'not back', id limit 1",
                (now, now + LONGEST_WAIT_SECONDS),
            ).fetchone()
            if row is None:
                return None
            # A switch that is not back keeps that state until it is.
            is_not_back = row["state"] == SwitchState.NOT_BACK
            state = SwitchState.NOT_BACK if is_not_back else SwitchState.RUNNING
            return _changed(connection, row["id"], {"state": state, "next_try": None})

    def note_step(self, switch: Switch, step: str, before: Mapping[str, str]) -> None:
        """Note the step of a switch, and the cluster that was live before, by region."""
        with self.database.writing() as connection:
            _changed(connection, switch.id, {"step": step, "before": json.dumps({**before})})

    def end(self, switch: Switch, error: str | None = None) -> None:
        """Note that a switch has ended; without an error, its cluster is live."""
        with self.database.writing() as connection:
            if not _is_given_up(connection, switch):
                _end(connection, switch, error)

    def wait(self, switch: Switch, back: str, error: str) -> None:
        """Note that switching back must be tried again.

        Args:
            switch: the switch.
            back: why the regions are switched back.
            error: why that failed this time.
        """
        with self.database.writing() as connection:
            if _is_given_up(connection, switch):
                return
            (tries,) = connection.execute(
                "select tries + 1 from switches where id = ?", (switch.id,)
            ).fetchone()
            values = {"tries": tries, "next_try": time.time() + wait_seconds(tries), "error": error}
            stuck = _changed(connection, switch.id, {"state": SwitchState.NOT_BACK, "back": back, **values})
            if error != switch.error:
                _note(connection, switch.author, AuditAction.SWITCH_NOT_BACK, stuck)

    def get(self, switch: int) -> Switch:
        """Return a switch, or raise ApiError."""
        with self.database.reading() as connection:
            row = connection.execute("select * from switches where id = ?", (switch,)).fetchone()
        if row is None:
            raise not_found(f"no switch {switch}; `GET /switches` lists them")
        return _switch(row)

    def list(self, service: str | None, limit: int) -> Sequence[Switch]:
        """Return switches, newest first; of all services if `service` is None."""
        # With `:service is null or ...` SQLite would read the switches of all services.
        of_service = "true" if service is None else "service = :service"
        with self.database.reading() as connection:
            rows = connection.execute(
                f"select * from switches where {of_service} order by id desc limit :limit",  # noqa: S608
                {"service": service, "limit": limit},
            )
            return [_switch(row) for row in rows]

    def is_under_way(self, set_id: str) -> bool:
        """Whether a switch of the set's service is open that does not wait for a rollout."""
        with self.database.reading() as connection:
            found = connection.execute(
                "select 1 from open_switches where set_id = ? and update_id is null", (set_id,)
            )
            return found.fetchone() is not None


def _is_way_back(rollout: RolloutStatus, cluster: str, regions: Sequence[str]) -> bool:
    """Whether a switch restores the clusters that were live before a rollout."""
    if not rollout.before or rollout.to is not RolloutKind.LIVE:
        return False
    return all(rollout.before.get(region) == cluster for region in regions)


def _is_given_up(connection: sqlite3.Connection, switch: Switch) -> bool:
    """Whether the switch has ended because of another switch, while it was being switched back."""
    row = connection.execute("select state from switches where id = ?", (switch.id,)).fetchone()
    return SwitchState(row["state"]).ended


def _end(connection: sqlite3.Connection, switch: Switch, error: str | None) -> None:
    state = SwitchState.DONE if error is None else SwitchState.FAILED
    values = {"state": state, "ended": time.time(), "error": error, "next_try": None}
    ended = _changed(connection, switch.id, values)
    action = AuditAction.SWITCHED if error is None else AuditAction.SWITCH_FAILED
    _note(connection, switch.author, action, ended)


def _changed(connection: sqlite3.Connection, switch: int, values: Mapping[str, object]) -> Switch:
    return _switch(change_row(connection, "switches", switch, values))


def _note(connection: sqlite3.Connection, author: str, action: AuditAction, switch: Switch) -> None:
    detail = switch.model_dump(
        mode="json", include={"id", "service", "cluster", "regions", "before", "error"}
    )
    note_event(connection, author, action, None, detail)


def _switch(row: sqlite3.Row) -> Switch:
    return Switch(
        id=row["id"],
        set=row["set_id"],
        service=row["service"],
        cluster=row["cluster"],
        regions=tuple(json.loads(row["regions"])),
        author=row["author"],
        state=SwitchState(row["state"]),
        update=row["update_id"],
        is_way_back=bool(row["is_way_back"]),
        step=row["step"],
        before=json.loads(row["before"]),
        created=time_of(row["created"]),
        ended=None if row["ended"] is None else time_of(row["ended"]),
        back=row["back"],
        next_try=None if row["next_try"] is None else time_of(row["next_try"]),
        error=row["error"],
    )
