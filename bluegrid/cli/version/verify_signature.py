"""`bluegrid version verify-signature`: finds the key of the set that signed a version."""

from __future__ import annotations

from bluegrid.cli import options, output
from bluegrid.cli.tree import command
from bluegrid.project import resolve_place
from bluegrid_registry import load_set, open_store
from bluegrid_registry import verify_signature as find_signer


@command(epilog="Example: `bluegrid version verify-signature g1 v2`")
def verify_signature(
    set_id: options.SetId,
    version_id: options.VersionId,
    stack: options.Stack = None,
    store: options.Store = None,
    registry: options.RegistryFolder = options.DEFAULT_REGISTRY,
    stacks: options.Stacks = options.DEFAULT_STACKS,
    as_json: options.Json = False,
) -> None:
    """Print which of the set's keys has signed VERSION.

    Exit code 1 if none has.
    """
    url = resolve_place(stacks, stack, store=store, only_reads=True).required_store
    file = load_set(registry, set_id)
    digest = file.version(version_id).manifest
    signer = find_signer(open_store(url), set_id, version_id, digest, file.set.public_keys)
    text = f"set {set_id} version {version_id}: signed by {signer}; {digest[:19]}"
    data = {"set": set_id, "version": version_id, "manifest": digest, "key": signer}
    output.emit(as_json=as_json, data=data, text=text)
