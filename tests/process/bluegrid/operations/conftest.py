from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bluegrid.operations import Namespace

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.api_server import ApiServer, Connect


@pytest.fixture
def connect(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Connect:
    """Connects to an API server as a kubeconfig names it."""

    def to(api: ApiServer, name: str = "bluegrid") -> Namespace:
        # The client reads $KUBECONFIG once a process.
        place = "kubernetes.config.kube_config.KUBE_CONFIG_DEFAULT_LOCATION"
        monkeypatch.setattr(place, str(api.kubeconfig(tmp_path)))
        return Namespace.connect("there", name)

    return to
