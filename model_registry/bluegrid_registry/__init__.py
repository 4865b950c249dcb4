"""Versions of many small models: registry files, packs, stores, and the transfers between them."""

from __future__ import annotations

from bluegrid_registry.errors import (
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
    UntrustedNames,
    VersionConflict,
)
from bluegrid_registry.formats.checksums import Checksum, ChecksumAlgorithm, sha256_digest, sha256_hex
from bluegrid_registry.formats.commit import Commit
from bluegrid_registry.formats.example import AnyExample, Example, RecordedExample
from bluegrid_registry.formats.manifest import Manifest, ModelRow, PackRow
from bluegrid_registry.maintenance.answer_changes import OutputChange
from bluegrid_registry.maintenance.export import export_model_signing
from bluegrid_registry.maintenance.garbage import collect_garbage
from bluegrid_registry.maintenance.prune import GarbageReport, PrunePlan
from bluegrid_registry.maintenance.prune_planner import plan_prune
from bluegrid_registry.maintenance.verify import Signatures, VerifyReport, verify
from bluegrid_registry.maintenance.verify_folder import FolderReport, verify_folder
from bluegrid_registry.maintenance.version_difference import ChangedModel, VersionDifference, compare_versions
from bluegrid_registry.model_set import ModelSet
from bluegrid_registry.model_types.model_type import ModelType
from bluegrid_registry.model_types.sniff import Unfit
from bluegrid_registry.names import Source
from bluegrid_registry.registry_files.cluster_schema import Autoscaling, Cluster
from bluegrid_registry.registry_files.edits.live import (
    Sharing,
    SwitchResult,
    share_traffic,
    switch,
    unify_live,
)
from bluegrid_registry.registry_files.edits.services import (
    add_cluster,
    add_service,
    change_cluster,
    remove_cluster,
    remove_service,
)
from bluegrid_registry.registry_files.edits.sets import add_set, edit_set, remove_set
from bluegrid_registry.registry_files.edits.versions import add_version, remove_version
from bluegrid_registry.registry_files.model_set_schema import DeclaredSet, RegistryFile, TrustedKey, Version
from bluegrid_registry.registry_files.offered import OfferedCluster, OfferedService, Shares
from bluegrid_registry.registry_files.region_replicas import Sizes
from bluegrid_registry.registry_files.regions import check_regions, require_region
from bluegrid_registry.registry_files.registry import Registry
from bluegrid_registry.registry_files.service_schema import Service
from bluegrid_registry.remedies import Remedy
from bluegrid_registry.signing.keys import KeyAlgorithm, PrivateKey, PublicKey
from bluegrid_registry.signing.signatures import sign, verify_signature
from bluegrid_registry.stores import Store, open_store
from bluegrid_registry.stores.versions import read_commit, read_manifest
from bluegrid_registry.transfer.config import TransferConfig
from bluegrid_registry.transfer.fetch import FetchedVersion, fetch, fetch_bytes
from bluegrid_registry.transfer.progress import Progress, ProgressEvent
from bluegrid_registry.transfer.push import PushReport, push
from bluegrid_registry.transfer.recorded_examples import RecordedExamples, stored_examples
from bluegrid_registry.transfer.selection import selected
from bluegrid_registry.transfer.source_folder import models_in_folder
from bluegrid_registry.transfer.sources import SourceModel
from bluegrid_registry.transfer.version_folder import FetchReport

__all__ = [
    "AnyExample",
    "Autoscaling",
    "BluegridError",
    "ChangedModel",
    "Checksum",
    "ChecksumAlgorithm",
    "Cluster",
    "Commit",
    "ConfigError",
    "DeclaredSet",
    "Example",
    "FetchReport",
    "FetchedVersion",
    "FolderReport",
    "FormatError",
    "GarbageReport",
    "IntegrityError",
    "KeyAlgorithm",
    "Manifest",
    "ModelError",
    "ModelRow",
    "ModelSet",
    "ModelType",
    "ObjectExists",
    "ObjectMissing",
    "OfferedCluster",
    "OfferedService",
    "OutputChange",
    "PackRow",
    "PrivateKey",
    "Progress",
    "ProgressEvent",
    "PrunePlan",
    "PublicKey",
    "PushReport",
    "RecordedExample",
    "RecordedExamples",
    "Registry",
    "RegistryError",
    "RegistryFile",
    "Remedy",
    "Service",
    "Shares",
    "Sharing",
    "Signatures",
    "Sizes",
    "Source",
    "SourceModel",
    "Store",
    "StoreError",
    "StoreUnreachable",
    "SwitchResult",
    "TransferConfig",
    "TrustedKey",
    "Unfit",
    "UntrustedNames",
    "VerifyReport",
    "Version",
    "VersionConflict",
    "VersionDifference",
    "add_cluster",
    "add_service",
    "add_set",
    "add_version",
    "change_cluster",
    "check_regions",
    "collect_garbage",
    "compare_versions",
    "edit_set",
    "export_model_signing",
    "fetch",
    "fetch_bytes",
    "models_in_folder",
    "open_store",
    "plan_prune",
    "push",
    "read_commit",
    "read_manifest",
    "remove_cluster",
    "remove_service",
    "remove_set",
    "remove_version",
    "require_region",
    "selected",
    "sha256_digest",
    "sha256_hex",
    "share_traffic",
    "sign",
    "stored_examples",
    "switch",
    "unify_live",
    "verify",
    "verify_folder",
    "verify_signature",
]
