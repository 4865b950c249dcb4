"""Standbys answer only under their host, which cannot be guessed or found."""

from __future__ import annotations

import http.client
import socket
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest

from bluegrid_registry import contract
from tests.cluster.trouble import OTHER_SERVICE

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cluster.trouble import Stack

PATH = f"/modelService/{OTHER_SERVICE}/v2/health/ready"
STANDBY = f"{OTHER_SERVICE}-d2"

GUESSES = (
    STANDBY,
    f"{STANDBY}.standing.invalid",
    f"{STANDBY}.trouble.test",
    f"{STANDBY}.bluegrid-trouble",
    f"{STANDBY}.bluegrid-trouble.svc.cluster.local:12345",
    "standing.invalid",
    ".standing.invalid",
    "*.standing.invalid",
    "*",
    "",
    "localhost",
    "nothing.trouble.test",
    contract.standing_host("", OTHER_SERVICE, "d2", "standing.invalid"),
    contract.standing_host("trouble", OTHER_SERVICE, "d2", "standing.invalid"),
)


def answer(stack: Stack, head: str) -> tuple[int, str | None]:
    """Send exactly these lines; return the status of the answer and its cluster."""
    proxy = urlsplit(stack.local.node.route_url)
    with socket.create_connection((proxy.hostname, proxy.port), timeout=10) as connection:
        connection.sendall(f"{head}\r\nConnection: close\r\n\r\n".encode())
        response = http.client.HTTPResponse(connection)
        response.begin()
        return response.status, response.getheader("Bluegrid-Cluster")


@pytest.fixture
def hosts(two_services: Stack) -> list[str]:
    """The hosts of all standing routes, visible to accounts that can read the namespace."""
    column = "jsonpath={.items[*].spec.rules[0].host}"
    shown = two_services.kubectl("get", "ingresses", f"--output={column}").require().output
    return [host for host in shown.split() if host.endswith(".standing.invalid")]


def test_who_knows_the_host_of_a_standby_may_ask_it(two_services: Stack, hosts: list[str]) -> None:
    answers = {answer(two_services, f"GET {PATH} HTTP/1.1\r\nHost: {host}") for host in hosts}
    assert (200, "d2") in answers


@pytest.mark.parametrize("host", GUESSES)
def test_a_host_that_was_guessed_leads_nowhere(two_services: Stack, host: str) -> None:
    status, cluster = answer(two_services, f"GET {PATH} HTTP/1.1\r\nHost: {host}")
    assert (status in (400, 404), cluster) == (True, None)


@pytest.mark.parametrize(
    "head",
    [
        f"GET {PATH} HTTP/1.1",
        f"GET {PATH} HTTP/1.0",
        f"GET http://{STANDBY}{PATH} HTTP/1.1\r\nHost: {STANDBY}",
        f"GET {PATH.replace(OTHER_SERVICE, STANDBY)} HTTP/1.1\r\nHost: trouble.test",
        f"GET {PATH} HTTP/1.1\r\nHost: {STANDBY}\r\nX-Forwarded-Host: {STANDBY}.standing.invalid",
    ],
)
def test_a_request_without_a_known_host_leads_nowhere(two_services: Stack, head: str) -> None:
    status, cluster = answer(two_services, head)
    assert (status in (400, 404, 426), cluster) == (True, None)


def test_the_live_host_leads_to_no_standby(two_services: Stack) -> None:
    assert answer(two_services, f"GET {PATH} HTTP/1.1\r\nHost: trouble.test") == (200, "d1")


def test_hosts_are_in_no_state_no_file_and_no_output(
    two_services: Stack, hosts: list[str], tmp_path: Path
) -> None:
    work = two_services.work
    files = [file for file in work.state.rglob("*") if file.is_file()]
    texts = {str(file): file.read_bytes() for file in files if "plugins" not in file.parts}
    for command in (
        ("preview", "--diff", "--show-sames"),
        ("preview", "--json", "--show-sames"),
        ("refresh", "--yes", "--diff"),
    ):
        texts[" ".join(command)] = work.pulumi(*command).require().output.encode()
    export = ("pulumi", "stack", "export", "--stack", work.stack)
    texts["export"] = work.run(*export).require().output.encode()
    assert len(hosts) >= 4
    assert [(place, host) for place, text in texts.items() for host in hosts if host.encode() in text] == []
    # The passphrase reveals them.
    assert hosts[0] in work.run(*export, "--show-secrets").require().output
