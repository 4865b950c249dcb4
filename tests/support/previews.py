"""Output of `pulumi preview --json`, as far as tests need it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


def write_delete_of_load(file: Path) -> None:
    """Write a preview of stack `north` that deletes the live route of a service `load`."""
    metadata = {"name": "load", "labels": {"bluegrid.io/service": "load", "bluegrid.io/set": "g2"}}
    backend = {"service": {"name": "load-d1", "port": {"number": 12345}}}
    spec = {"rules": [{"http": {"paths": [{"path": "/modelService/load", "backend": backend}]}}]}
    step = {
        "op": "delete",
        "urn": "urn:pulumi:north::bluegrid::kubernetes:networking.k8s.io/v1:Ingress::load",
        "oldState": {"inputs": {"metadata": metadata, "spec": spec}},
    }
    file.write_text(json.dumps({"steps": [step]}))
