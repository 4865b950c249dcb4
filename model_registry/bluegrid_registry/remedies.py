"""Remedies of errors for which programs have texts of their own.

The library does not know the command line or Pulumi. An error has a `Remedy` and values for its placeholders.
The error's message ends with the text in this file; `bluegrid.cli.remedies` has the command instead.
"""

from __future__ import annotations

from enum import StrEnum


class Remedy(StrEnum):
    """What to do, in the library's terms; the error has the values of the placeholders."""

    ADD_REGION = "correct the name, or add the region"
    EDIT_CLUSTERS = "add, change or remove its clusters one by one"
    END_SHARING = "first switch {service} to another cluster, or share its requests without this one"
    IGNORE_FILES = "rename or move what is a model, ignore what is not (`ignore`, a list of patterns)"
    MAKE_EXPORT_KEY = "make a P-256 key for exports"
    MAKE_KEY = "make one, Ed25519 or P-256"
    MIX_KINDS = "put other estimators into a set of their own, or let this one hold them (`kinds: mixed`)"
    NAME_REGION = "name one, or all"
    OPEN_ENCRYPTED = "give its passphrase"
    OPEN_PLAIN = "give none"
    REMOVE_CLUSTER = "remove the cluster first"
    REMOVE_REPLICAS = "take its number of pods out of the region's sizes"
    REMOVE_SERVICE = "remove the service first"
    SHARE = "share the requests of {service} among its clusters"
    SHARE_OR_SWITCH = "name it and another, or switch to the one that is to get all"
    SIGN = "sign it with a trusted key"
    SIGN_OR_TRUST = "sign it with one, or add the key that signed it to keys: in the set's YAML"
    TRUST_NAMES = "build it without, or add that to the set's `trust` once it is known to be harmless"
    SWITCH = "switch {service} to the cluster that is to be live"
    SWITCH_FIRST = "switch {service} to another cluster first"
