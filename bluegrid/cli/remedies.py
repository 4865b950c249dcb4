"""Commands that remedy errors of the registry's library, which itself knows no commands."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bluegrid_registry import Remedy

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bluegrid_registry import BluegridError

COMMANDS: Mapping[Remedy, str] = {
    Remedy.ADD_REGION: "correct the name, or add a stack: `bluegrid stack add REGION`",
    Remedy.EDIT_CLUSTERS: "use bluegrid cluster add, cluster set or cluster remove {service} <cluster>",
    Remedy.END_SHARING: "first end that: bluegrid switch {service} <other cluster>, or bluegrid service "
    "traffic",
    Remedy.MIX_KINDS: "put other estimators into a set of their own, or allow them: "
    "`bluegrid set edit {set} --kinds mixed`",
    Remedy.NAME_REGION: "name one with --stack, or all of them with --everywhere",
    Remedy.OPEN_PLAIN: "unset BLUEGRID_KEY_PASSPHRASE",
    Remedy.OPEN_ENCRYPTED: "set BLUEGRID_KEY_PASSPHRASE",
    Remedy.IGNORE_FILES: "rename or move what is a model, ignore what is not (`push --ignore PATTERN`; "
    "`ignore` in the set's `update`)",
    Remedy.MAKE_EXPORT_KEY: "`bluegrid key add NAME --out FILE --algorithm p256` makes one for exports",
    Remedy.MAKE_KEY: "`bluegrid key add` makes one and prints its row",
    Remedy.REMOVE_CLUSTER: "first: bluegrid cluster remove {service} {cluster}",
    Remedy.REMOVE_REPLICAS: "pulumi config rm --path bluegrid:replicas.{cluster}",
    Remedy.REMOVE_SERVICE: "first: bluegrid service remove {service} --up",
    Remedy.SHARE: "use bluegrid service traffic {service} <cluster>=<weight> <cluster>=<weight>",
    Remedy.SHARE_OR_SWITCH: "name it and another; for all to one: bluegrid switch {service} <cluster>",
    Remedy.SIGN: "sign it with `bluegrid version sign {set} {version} --key FILE`",
    Remedy.SIGN_OR_TRUST: "sign it with `bluegrid version sign {set} {version} --key FILE`, or add the key "
    "that signed it to keys: in the set's YAML",
    Remedy.TRUST_NAMES: "build it without, or, once that is known to be harmless: "
    "`bluegrid set edit {set} {options}`",
    Remedy.SWITCH: "use bluegrid switch {service} <cluster>",
    Remedy.SWITCH_FIRST: "switch first: bluegrid switch {service} <other cluster>",
}


def message_of(error: BluegridError) -> str:
    """Return the error's message, with the command that remedies it, if any."""
    return str(error) if error.remedy is None else error.message(COMMANDS[error.remedy])
