"""`--up`: shows a preview and asks; YAML changes only after a yes, and goes back if the route has not."""

from __future__ import annotations

import json
import signal
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.support.api_server import ApiServer, refusal
from tests.support.kubernetes_objects import live_route, named
from tests.support.operator import TEXT, bluegrid, git, output_of, pulumi_that, refused, stack_file
from tests.support.terminal import on_terminal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

SWITCH = ("switch", "line-loading", "d2", "--stack", "north", "--up")
COMMANDS = [
    SWITCH,
    ("rollback", "line-loading", "--to", "d2", "--stack", "north", "--up"),
    ("service", "traffic", "line-loading", "d1=90", "d2=10", "--stack", "north", "--up"),
    ("service", "remove", "line-loading", "--stack", "north", "--up"),
    ("cluster", "scale", "line-loading", "d1", "4", "--stack", "north", "--up"),
    ("cluster", "resize", "line-loading", "d1", "--cpu", "4", "--stack", "north", "--up"),
    ("cluster", "remove", "line-loading", "d2", "--stack", "north", "--up"),
]
STATE = (
    '{"version": 3, "deployment": {"resources": [{"urn": "platform", "type": "bluegrid:serving:Platform"}, '
    '{"urn": "urn:pulumi:north::grid::bluegrid:serving:ModelService::line-loading", "type": "t"}]}}'
)
"""The state of a stack that is up."""


@pytest.fixture
def api(tmp_path: Path) -> Iterator[ApiServer]:
    """An API server whose live route leads to d1, or to d2 once there is a file `switched`."""

    def answer(path: str, query: dict[str, list[str]], sent: bytes) -> tuple[int, str]:
        live = "d2" if (tmp_path / "switched").exists() else "d1"
        api.kinds["ingresses"] = [named(live_route(live), "line-loading")]
        return plain(path, query, sent)

    with ApiServer({}) as api:
        plain = api.answer
        api.answer = answer  # type: ignore[method-assign]
        yield api


@pytest.fixture
def pulumi(
    tmp_path: Path, file: Path, api: ApiServer, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., None]:
    """Provides a `pulumi` that notes its arguments and what is live in YAML, and does as a test says."""

    def provide(up: str = "exit 0", preview: str = "exit 0") -> None:
        note = f'echo "$* $(grep -o "live:.*d[12]" {file})" >> {tmp_path}/ran'
        state = f"""[ "$1" = stack ] && {{ echo '{STATE}'; exit; }}"""
        cases = f"case $1 in up) {up};; preview) {preview};; esac"
        pulumi_that(f"{state}\n{note}\n{cases}", tmp_path, monkeypatch)
        stack_file(tmp_path, "north", kubeContext="there", kubeconfig=str(api.kubeconfig(tmp_path)))

    return provide


@pytest.fixture
def history(file: Path) -> None:
    """A git history in which d2 was live before d1."""
    git(file.parent, "init", "--quiet")
    for live in ("d2", "d1"):
        file.write_text(TEXT.replace("live: d1", f"live: {live}"))
        git(file.parent, "add", "--all")
        git(file.parent, "commit", "--quiet", "--message", f"{live} is live")


def runs(tmp_path: Path) -> list[str]:
    """Return the commands of Pulumi that were run, without options, each with what YAML said then."""
    ran = tmp_path / "ran"
    lines = ran.read_text().splitlines() if ran.exists() else []
    return [f"{line.split()[0]} {line.partition('live:')[2].strip()}".strip() for line in lines]


@pytest.mark.usefixtures("history")
@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: " ".join(command[:2]))
def test_no_terminal_no_update(
    command: tuple[str, ...], pulumi: Callable[..., None], file: Path, tmp_path: Path
) -> None:
    pulumi()
    assert refused(*command) == (
        "this command asks before it changes anything, and there is no terminal: add --yes"
    )
    assert (file.read_text(), runs(tmp_path)) == (TEXT, [])


@pytest.mark.usefixtures("history")
@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: " ".join(command[:2]))
def test_a_no_after_the_preview_leaves_yaml_as_it_was(
    command: tuple[str, ...], pulumi: Callable[..., None], file: Path, tmp_path: Path
) -> None:
    pulumi()
    code, shown = on_terminal("n", *command)
    assert code == 1
    assert "--- registry/g1.yaml" in shown
    assert shown.rstrip().endswith("error: nothing is changed")
    assert (file.read_text(), runs(tmp_path)) == (TEXT, ["preview d1"])


@pytest.mark.usefixtures("history")
@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: " ".join(command[:2]))
def test_a_yes_updates_what_was_shown_and_pulumi_asks_nothing(
    command: tuple[str, ...], pulumi: Callable[..., None], file: Path, tmp_path: Path
) -> None:
    pulumi()
    code, shown = on_terminal("y", *command)
    assert code == 0
    assert "[y/N]" in shown
    assert file.read_text() != TEXT
    first, last = (tmp_path / "ran").read_text().splitlines()
    assert first.startswith("preview --diff --config-file ")
    assert last.startswith("up --yes --skip-preview ")


@pytest.mark.usefixtures("history")
@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: " ".join(command[:2]))
def test_yes_asks_nothing(command: tuple[str, ...], pulumi: Callable[..., None], tmp_path: Path) -> None:
    pulumi()
    output_of(*command, "--yes")
    (line,) = (tmp_path / "ran").read_text().splitlines()
    assert line.startswith("up --yes ")


def test_a_preview_that_fails_ends_it(pulumi: Callable[..., None], file: Path, tmp_path: Path) -> None:
    pulumi(preview="exit 255")
    code, shown = on_terminal("y", *SWITCH)
    assert code == 1
    assert shown.rstrip().endswith("error: the preview has failed, so nothing is changed")
    assert (file.read_text(), runs(tmp_path)) == (TEXT, ["preview d1"])


def test_an_update_that_fails_before_the_route_changes_takes_yaml_back(
    pulumi: Callable[..., None], file: Path, tmp_path: Path
) -> None:
    pulumi(up="exit 255")
    done = bluegrid(*SWITCH, "--yes")
    assert done.exit_code == 1
    assert done.stderr == (
        "error: the update has failed: d1 is live as before, and registry/g1.yaml says so again\n"
    )
    assert (file.read_text(), runs(tmp_path)) == (TEXT, ["up {default: d1, north: d2"])


def test_an_update_that_fails_after_the_route_has_changed_leaves_yaml(
    pulumi: Callable[..., None], file: Path, tmp_path: Path
) -> None:
    pulumi(up=f"touch {tmp_path}/switched; exit 255")
    done = bluegrid(*SWITCH, "--yes")
    assert done.stderr == (
        "error: the update has failed, and d2 is live, as registry/g1.yaml says: "
        "see `bluegrid status line-loading`\n"
    )
    assert "live: {default: d1, north: d2}" in file.read_text()


def test_what_another_command_wrote_meanwhile_stays(pulumi: Callable[..., None], file: Path) -> None:
    pulumi(up=f"echo '# more' >> {file}; exit 255")
    bluegrid(*SWITCH, "--yes")
    assert file.read_text().endswith("# more\n")


def test_a_route_that_cannot_be_read_is_left_to_the_user(
    pulumi: Callable[..., None], api: ApiServer, file: Path
) -> None:
    pulumi(up="exit 255")
    api.answer = lambda *_: refusal(403, "may not")  # type: ignore[method-assign]
    assert bluegrid(*SWITCH, "--yes").stderr == (
        "error: the update has failed, and registry/g1.yaml has the new value: "
        "see `bluegrid status line-loading`; if the route is as before, "
        "`bluegrid switch line-loading d1 --stack north`\n"
    )
    assert "live: {default: d1, north: d2}" in file.read_text()


def test_a_cluster_that_does_not_answer_changes_nothing(
    pulumi: Callable[..., None], api: ApiServer, file: Path, tmp_path: Path
) -> None:
    pulumi()
    stack_file(tmp_path, "north", kubeContext="nowhere", kubeconfig=str(api.kubeconfig(tmp_path)))
    message = refused(*SWITCH, "--yes")
    assert message == "context nowhere: not in the kubeconfig, which has there; nothing is changed"
    assert (file.read_text(), runs(tmp_path)) == (TEXT, [])


@pytest.mark.parametrize(
    ("options", "runs"), [(("--up", "--yes"), "up"), (("--dry-run",), "preview")], ids=["up", "preview"]
)
def test_the_program_is_told_which_routes_are_updated(
    pulumi: Callable[..., None], tmp_path: Path, options: tuple[str, ...], runs: str
) -> None:
    """Without that the engine refuses the update if another service's switch is declared but not applied."""
    note = f'echo "$BLUEGRID_PARTIAL_UPDATE $BLUEGRID_ROUTES $1" > {tmp_path}/received'
    pulumi(up=note, preview=note)
    output_of("switch", "line-loading", "d2", "--stack", "north", *options)
    assert (tmp_path / "received").read_text() == f"1 line-loading {runs}\n"


@pytest.mark.parametrize(("own", "gets"), [(None, "200"), ("50", "50")])
def test_pulumi_collects_garbage_half_as_often_unless_the_user_says_how_often(
    pulumi: Callable[..., None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, own: str | None, gets: str
) -> None:
    monkeypatch.delenv("GOGC", raising=False)
    if own is not None:
        monkeypatch.setenv("GOGC", own)
    pulumi(up=f'echo "$GOGC" > {tmp_path}/received')
    output_of(*SWITCH, "--yes")
    assert (tmp_path / "received").read_text() == f"{gets}\n"


@pytest.mark.usefixtures("history")
@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: " ".join(command[:2]))
def test_an_update_is_limited_to_the_service_by_literal_names(
    command: tuple[str, ...], pulumi: Callable[..., None], tmp_path: Path
) -> None:
    pulumi(up=f'echo "$BLUEGRID_SERVICES" > {tmp_path}/services')
    output_of(*command, "--yes")
    (line,) = (tmp_path / "ran").read_text().splitlines()
    targets = [word.removeprefix("--target=") for word in line.split() if word.startswith("--target=")]
    assert targets or command[1] == "remove"
    assert all(urn.split("::")[-1].startswith("line-loading") and "*" not in urn for urn in targets)
    assert (tmp_path / "services").read_text() == "line-loading\n"


def test_the_first_update_of_a_stack_is_whole(
    pulumi: Callable[..., None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tests.process.bluegrid.cli.test_up.STATE", '{"version": 3, "deployment": {}}')
    pulumi()
    output_of("cluster", "scale", "line-loading", "d1", "4", "--stack", "north", "--up", "--yes")
    assert (tmp_path / "ran").read_text().startswith("up --yes --stack north")


def test_services_are_updated_by_name(pulumi: Callable[..., None], tmp_path: Path) -> None:
    pulumi(up=f'echo "$BLUEGRID_SERVICES $BLUEGRID_PARTIAL_UPDATE" > {tmp_path}/variables')
    shown = output_of("up", "line-loading", "--stack", "north", "--yes")
    assert shown == "line-loading: stack north is as the registry says\n"
    (line,) = (tmp_path / "ran").read_text().splitlines()
    assert "--target=urn:pulumi:north::grid::bluegrid:serving:ModelService::line-loading" in line
    assert (tmp_path / "variables").read_text() == "line-loading \n"


def test_without_a_name_the_whole_stack_is_updated(pulumi: Callable[..., None], tmp_path: Path) -> None:
    pulumi()
    shown = output_of("up", "--stack", "north", "--yes", "--json")
    assert json.loads(shown) == {"stack": "north", "services": None}
    assert (tmp_path / "ran").read_text().startswith("up --yes --stack north")


def test_a_no_after_the_preview_updates_nothing(pulumi: Callable[..., None], tmp_path: Path) -> None:
    pulumi()
    code, shown = on_terminal("n", "up", "line-loading", "--stack", "north")
    assert code == 1
    assert shown.rstrip().endswith("error: nothing is changed")
    assert [line.split()[0] for line in runs(tmp_path)] == ["preview"]


def test_a_service_that_is_nowhere_is_no_update_of_everything(
    pulumi: Callable[..., None], tmp_path: Path
) -> None:
    pulumi()
    message = refused("up", "line-lodaing", "--stack", "north", "--yes")
    assert message.startswith("stack north has no service line-lodaing, and the registry declares none")
    assert runs(tmp_path) == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_before_pulumi_begins_takes_yaml_back(
    pulumi: Callable[..., None],
    file: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    number: signal.Signals,
) -> None:
    pulumi()

    def interrupted(*_: object) -> bool:
        signal.raise_signal(number)
        return False

    monkeypatch.setattr("bluegrid.cli.drift_of_targets.have_drifted", interrupted)
    done = bluegrid(*SWITCH, "--yes")
    assert (done.exit_code, file.read_text(), runs(tmp_path)) == (1, TEXT, [])
    assert done.stderr.endswith("d1 is live as before, and registry/g1.yaml says so again\n")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_interrupts_pulumi_and_takes_yaml_back(
    pulumi: Callable[..., None], file: Path, tmp_path: Path, number: signal.Signals
) -> None:
    interrupted = f"touch {tmp_path}/interrupted; exit 255"
    pulumi(
        up=f"""trap '{interrupted}' INT; echo "$TMPDIR" > {tmp_path}/folder; sleep 0.3; """
        f"kill -{number.value} $PPID; for i in 1 2 3 4 5 6 7 8 9; do sleep 0.3; done"
    )
    done = bluegrid(*SWITCH, "--yes")
    assert (done.exit_code, file.read_text(), (tmp_path / "interrupted").exists()) == (1, TEXT, True)
    assert not Path((tmp_path / "folder").read_text().strip()).exists()
