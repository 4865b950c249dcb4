"""Requests carry the credentials of MLflow's own variables."""

from __future__ import annotations

import pytest

from bluegrid.mlflow.server import MlflowServer
from bluegrid_registry import ConfigError


@pytest.mark.parametrize(
    ("environment", "header"),
    [
        ({}, None),
        ({"MLFLOW_TRACKING_TOKEN": "abc"}, "Bearer abc"),
        ({"MLFLOW_TRACKING_USERNAME": "ada", "MLFLOW_TRACKING_PASSWORD": "s3"}, "Basic YWRhOnMz"),
        ({"MLFLOW_TRACKING_USERNAME": "ada", "MLFLOW_TRACKING_TOKEN": "abc"}, "Basic YWRhOg=="),
    ],
)
def test_credentials_are_those_of_mlflow(environment: dict[str, str], header: str | None) -> None:
    server = MlflowServer.of("https://mlflow.example/", environment)
    assert server.url == "https://mlflow.example"
    assert server.headers.get("authorization") == header


@pytest.mark.parametrize("url", ["./mlruns", "sqlite:///mlflow.db", "databricks"])
def test_what_is_no_server_is_told(url: str) -> None:
    with pytest.raises(ConfigError, match=r"is not the address of a server; start one on that store"):
        MlflowServer.of(url, {})
