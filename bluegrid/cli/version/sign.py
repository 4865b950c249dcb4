"""`bluegrid version sign`: signs a version's manifest."""

from __future__ import annotations

from bluegrid.cli import options, output
from bluegrid.cli.passphrase import passphrase
from bluegrid.cli.tree import command
from bluegrid.project import resolve_place
from bluegrid_registry import PrivateKey, load_set, open_store
from bluegrid_registry import sign as sign_version


@command(epilog="Example: `bluegrid version sign g1 v2 --key ops-2026.pem`")
def sign(
    set_id: options.SetId,
    version_id: options.VersionId,
    key: options.KeyFile,
    stack: options.Stack = None,
    store: options.Store = None,
    registry: options.RegistryFolder = options.DEFAULT_REGISTRY,
    stacks: options.Stacks = options.DEFAULT_STACKS,
    as_json: options.Json = False,
) -> None:
    """Sign VERSION with a key; signatures by other keys stay."""
    url = resolve_place(stacks, stack, store=store).required_store
    file = load_set(registry, set_id)
    digest = file.version(version_id).manifest
    private = PrivateKey.read(key, passphrase())
    fingerprint = sign_version(open_store(url), set_id, version_id, digest, private)
    named = [key.id for key in file.set.public_keys if key.fingerprint == fingerprint]
    hint = f"as {named[0]}" if named else "but keys: of the set does not name this key yet"
    output.emit(
        as_json=as_json,
        data={
            "set": set_id,
            "version": version_id,
            "manifest": digest,
            "key": next(iter(named), None),
            "fingerprint": fingerprint,
        },
        text=f"set {set_id} version {version_id}: signed {hint}; {digest[:19]}",
    )
