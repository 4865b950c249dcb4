"""The API behaves as its OpenAPI document describes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import schemathesis
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from schemathesis.checks import load_all_checks

from bluegrid_server.http.routes import make_app, routes
from bluegrid_server.protocol.openapi import openapi
from tests.support.pods import BASE, InProcess

if TYPE_CHECKING:
    from schemathesis import Case
    from schemathesis.specs.openapi.schemas import OpenApiSchema

    from bluegrid_server.settings import Settings
    from tests.support.pods import Client


SERVICE = BASE.removesuffix("/v2")
OPERATIONS = [
    operation["operationId"]
    for verbs in openapi("any")["paths"].values()
    for verb, operation in verbs.items()
    if verb != "parameters"
]


@pytest.fixture
def described(settings: Settings, models: InProcess) -> OpenApiSchema:
    """The OpenAPI document, bound to the server under test."""
    models.start()
    load_all_checks()
    return schemathesis.openapi.from_asgi(f"{SERVICE}/openapi.json", make_app(settings, models))


@pytest.mark.parametrize("operation", OPERATIONS)
def test_whatever_is_sent_the_answer_is_as_described(described: OpenApiSchema, operation: str) -> None:
    @given(described.find_operation_by_id(operation).as_strategy())
    @hypothesis_settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))
    def check(case: Case[Any]) -> None:
        case.call_and_validate()

    check()


def test_the_document_is_openapi(described: OpenApiSchema) -> None:
    described.validate()


def test_every_route_is_described(settings: Settings, models: InProcess) -> None:
    paths = openapi(settings.service)["paths"]
    described = {(f"{SERVICE}{path}", verb.upper()) for path, verbs in paths.items() for verb in verbs}
    real = {(route.path, verb) for route in routes(settings, models) for verb in route.methods or ()}
    for_people = {f"{SERVICE}/", f"{SERVICE}/openapi.json"}
    assert {each for each in described if each[1] != "PARAMETERS"} == {
        (path, verb) for path, verb in real if verb != "HEAD" and path not in for_people
    }


def test_people_get_a_page_that_asks_only_where_it_came_from(client: Client) -> None:
    page = client.get(f"{SERVICE}/")
    assert page.headers["content-type"].startswith("text/html")
    assert "default-src 'self'" in page.headers["content-security-policy"]
    assert "http" not in page.text
