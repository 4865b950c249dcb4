"""Versions of many small models: registry files, packs, stores, and how they move between them."""

from __future__ import annotations

from model_registry.errors import (
    BluegridError,
    ConfigError,
    FormatError,
    IntegrityError,
    ModelError,
    ObjectExists,
    ObjectMissing,
    RegistryError,
    StoreError,
    StoreUnreachable,
    VersionConflict,
)
from model_registry.formats.checksums import Checksum, sha256_digest, sha256_hex
from model_registry.formats.commit import Commit
from model_registry.formats.manifest import Example, Manifest, ModelRow, PackRow
from model_registry.model_types.model_type import ModelType
from model_registry.registry_files.editing import Switch, add_cluster, add_version, remove_cluster, switch
from model_registry.registry_files.registry import Registry
from model_registry.registry_files.schema import (
    Cluster,
    DeclaredSet,
    RegistryFile,
    Service,
    Source,
    Version,
)
from model_registry.stores import Store, open_store
from model_registry.transfer.fetch import FetchedVersion, fetch
from model_registry.transfer.models import SourceModel, models_in_folder
from model_registry.transfer.progress import Progress, ProgressEvent
from model_registry.transfer.push import PushReport, push
from model_registry.transfer.reading import read_commit, read_manifest

__all__ = [
    "BluegridError",
    "Checksum",
    "Cluster",
    "Commit",
    "ConfigError",
    "DeclaredSet",
    "Example",
    "FetchedVersion",
    "FormatError",
    "IntegrityError",
    "Manifest",
    "ModelError",
    "ModelRow",
    "ModelType",
    "ObjectExists",
    "ObjectMissing",
    "PackRow",
    "Progress",
    "ProgressEvent",
    "PushReport",
    "Registry",
    "RegistryError",
    "RegistryFile",
    "Service",
    "Source",
    "SourceModel",
    "Store",
    "StoreError",
    "StoreUnreachable",
    "Switch",
    "Version",
    "VersionConflict",
    "add_cluster",
    "add_version",
    "fetch",
    "models_in_folder",
    "open_store",
    "push",
    "read_commit",
    "read_manifest",
    "remove_cluster",
    "sha256_digest",
    "sha256_hex",
    "switch",
]
