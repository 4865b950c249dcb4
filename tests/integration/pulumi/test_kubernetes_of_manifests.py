"""The API server of manifests answers while a provider writes and deletes its files."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.integration.pulumi.kubernetes_of_manifests import Manifests

if TYPE_CHECKING:
    from pathlib import Path


def test_a_file_that_is_gone_or_not_written_yet_is_no_object(tmp_path: Path) -> None:
    (tmp_path / "there.yaml").write_text("{kind: Secret, metadata: {name: keys, namespace: grid}}")
    # As a file that is deleted between the listing of its folder and its reading.
    (tmp_path / "gone.yaml").symlink_to(tmp_path / "nowhere")
    (tmp_path / "begun.yaml").touch()
    with Manifests() as server:
        server.folders.append(tmp_path)
        assert [each["metadata"]["name"] for each in server.objects("secrets", "grid")] == ["keys"]
