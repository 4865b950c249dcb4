"""The API behaves as its OpenAPI document describes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis.checks import CHECKS, load_all_checks

from tests.support.endurance import scale

if TYPE_CHECKING:
    import httpx
    from schemathesis import Case


load_all_checks()
EXAMPLES = scale(15, 1000)
# All requests here have a token; and no schema can say that a digest must match the body.
UNFIT = CHECKS.get_by_names(["ignored_auth", "positive_data_acceptance"])
OPERATIONS = [
    ("GET", "/modelSets"),
    ("GET", "/modelSets/{set_id}"),
    ("GET", "/modelSets/{set_id}/versions"),
    ("GET", "/modelSets/{set_id}/versions/{version_id}/models"),
    ("GET", "/modelSets/{set_id}/versions/{version_id}/changes"),
    ("GET", "/modelSets/{set_id}/models"),
    ("GET", "/modelSets/{set_id}/models/{uid}"),
    ("GET", "/schedules"),
    ("GET", "/audit-events"),
    ("PUT", "/uploads/{digest}"),
    ("POST", "/modelSets/{set_id}/updates"),
    ("PUT", "/modelSets/{set_id}/versions/{base}/models/{uid}"),
    ("GET", "/updates"),
    ("GET", "/updates/{update_id}"),
    ("GET", "/updates/{update_id}/output"),
    ("POST", "/updates/{update_id}/cancel"),
    ("POST", "/updates/{update_id}/retry"),
    ("GET", "/services"),
    ("GET", "/services/{service}/history"),
    ("GET", "/regions"),
    ("GET", "/status"),
    ("GET", "/services/{service}/switches/preview"),
    ("POST", "/services/{service}/switches"),
    ("PUT", "/modelSets/{set_id}/versions/{version_id}/bad"),
    ("DELETE", "/modelSets/{set_id}/versions/{version_id}/bad"),
    ("GET", "/switches"),
    ("GET", "/switches/{switch_id}"),
    ("POST", "/session"),
    ("GET", "/session"),
    ("DELETE", "/session"),
]


@pytest.mark.parametrize(("method", "path"), OPERATIONS)
def test_whatever_is_sent_the_answer_is_as_described(client: httpx.Client, method: str, path: str) -> None:
    schema = schemathesis.openapi.from_url(f"{client.base_url}/openapi.json")
    headers = {"Authorization": client.headers["Authorization"]}

    @given(schema[path][method].as_strategy())
    @settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
    def check(case: Case[Any]) -> None:
        case.call_and_validate(headers=headers, excluded_checks=UNFIT)  # type: ignore[arg-type]

    check()


def test_every_route_is_tried(client: httpx.Client) -> None:
    paths = client.get("/openapi.json").json()["paths"]
    routes = {(verb.upper(), path) for path, verbs in paths.items() for verb in verbs}
    assert routes - {("GET", "/healthz"), ("GET", "/metrics")} == set(OPERATIONS)
