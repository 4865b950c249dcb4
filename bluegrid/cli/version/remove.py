"""`bluegrid version remove`: removes a version from the registry."""

from __future__ import annotations

from bluegrid.cli import options, output
from bluegrid.cli.tree import command
from bluegrid_registry import remove_version


@command(epilog="Example: `bluegrid version remove g1 v1`")
def remove(
    set_id: options.SetId,
    version_id: options.VersionId,
    registry: options.RegistryFolder = options.DEFAULT_REGISTRY,
    as_json: options.Json = False,
) -> None:
    """Remove VERSION's row. A version that a cluster serves is refused.

    The store keeps everything: `git revert` brings the version back, `bluegrid store gc` deletes it 30 days
    later.
    """
    remove_version(registry, set_id, version_id)
    kept = "the store keeps it until `bluegrid store gc`, 30 days from its next run"
    text = f"set {set_id} version {version_id}: removed; {kept}"
    output.emit(as_json=as_json, data={"set": set_id, "version": version_id}, text=text)
