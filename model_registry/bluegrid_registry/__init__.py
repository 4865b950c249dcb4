"""Versions of many small models: registry files, packs, stores, and the transfers between them."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
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
    from bluegrid_registry.formats.lineage import Lineage
    from bluegrid_registry.formats.manifest import Manifest, ModelRow, PackRow
    from bluegrid_registry.maintenance.answer_changes import OutputChange
    from bluegrid_registry.maintenance.export import export_model_signing
    from bluegrid_registry.maintenance.garbage import collect_garbage
    from bluegrid_registry.maintenance.metric_changes import MetricChange
    from bluegrid_registry.maintenance.prune import GarbageReport, PrunePlan
    from bluegrid_registry.maintenance.prune_planner import plan_prune
    from bluegrid_registry.maintenance.verify import Signatures, VerifyReport, verify
    from bluegrid_registry.maintenance.verify_folder import FolderReport, verify_folder
    from bluegrid_registry.maintenance.version_difference import (
        ChangedModel,
        VersionDifference,
        compare_versions,
    )
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
        edit_cluster,
        edit_service,
        move_service,
        remove_cluster,
        remove_service,
    )
    from bluegrid_registry.registry_files.edits.sets import add_set, edit_set, remove_set
    from bluegrid_registry.registry_files.edits.values import ValueEdit
    from bluegrid_registry.registry_files.edits.versions import add_version, remove_version
    from bluegrid_registry.registry_files.model_set_schema import DeclaredSet, RegistryFile
    from bluegrid_registry.registry_files.offered import OfferedCluster, OfferedService, Shares
    from bluegrid_registry.registry_files.one_file import load_service, load_set
    from bluegrid_registry.registry_files.region_replicas import Sizes
    from bluegrid_registry.registry_files.regions import check_regions, require_region
    from bluegrid_registry.registry_files.registry import Registry
    from bluegrid_registry.registry_files.service_schema import Service
    from bluegrid_registry.registry_files.version_rows import Version
    from bluegrid_registry.remedies import Remedy
    from bluegrid_registry.signing.keys import KeyAlgorithm, PrivateKey, PublicKey
    from bluegrid_registry.signing.signatures import sign, verify_signature
    from bluegrid_registry.signing.trusted_key import TrustedKey
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

_NAMES = {
    "errors": "BluegridError ConfigError FormatError IntegrityError ModelError ObjectExists ObjectMissing "
    "RegistryError StoreError StoreUnreachable UntrustedNames VersionConflict",
    "formats.checksums": "Checksum ChecksumAlgorithm sha256_digest sha256_hex",
    "formats.commit": "Commit",
    "formats.example": "AnyExample Example RecordedExample",
    "formats.lineage": "Lineage",
    "formats.manifest": "Manifest ModelRow PackRow",
    "maintenance.answer_changes": "OutputChange",
    "maintenance.metric_changes": "MetricChange",
    "maintenance.export": "export_model_signing",
    "maintenance.garbage": "collect_garbage",
    "maintenance.prune": "GarbageReport PrunePlan",
    "maintenance.prune_planner": "plan_prune",
    "maintenance.verify": "Signatures VerifyReport verify",
    "maintenance.verify_folder": "FolderReport verify_folder",
    "maintenance.version_difference": "ChangedModel VersionDifference compare_versions",
    "model_set": "ModelSet",
    "model_types.model_type": "ModelType",
    "model_types.sniff": "Unfit",
    "names": "Source",
    "registry_files.cluster_schema": "Autoscaling Cluster",
    "registry_files.edits.live": "Sharing SwitchResult share_traffic switch unify_live",
    "registry_files.edits.services": "add_cluster add_service change_cluster edit_cluster edit_service "
    "move_service remove_cluster remove_service",
    "registry_files.edits.sets": "add_set edit_set remove_set",
    "registry_files.edits.values": "ValueEdit",
    "registry_files.edits.versions": "add_version remove_version",
    "registry_files.model_set_schema": "DeclaredSet RegistryFile",
    "registry_files.offered": "OfferedCluster OfferedService Shares",
    "registry_files.one_file": "load_service load_set",
    "registry_files.region_replicas": "Sizes",
    "registry_files.regions": "check_regions require_region",
    "registry_files.registry": "Registry",
    "registry_files.service_schema": "Service",
    "registry_files.version_rows": "Version",
    "remedies": "Remedy",
    "signing.keys": "KeyAlgorithm PrivateKey PublicKey",
    "signing.signatures": "sign verify_signature",
    "signing.trusted_key": "TrustedKey",
    "stores": "Store open_store",
    "stores.versions": "read_commit read_manifest",
    "transfer.config": "TransferConfig",
    "transfer.fetch": "FetchedVersion fetch fetch_bytes",
    "transfer.progress": "Progress ProgressEvent",
    "transfer.push": "PushReport push",
    "transfer.recorded_examples": "RecordedExamples stored_examples",
    "transfer.selection": "selected",
    "transfer.source_folder": "models_in_folder",
    "transfer.sources": "SourceModel",
    "transfer.version_folder": "FetchReport",
}
"""Public names by module. A module is imported when a name of it is used: all together take 0.3 s of CPU."""
_MODULES = {name: module for module, names in _NAMES.items() for name in names.split()}


def __getattr__(name: str) -> object:
    """Import the module of a public name (PEP 562), or read the version of the installed distribution."""
    if name == "__version__":
        from importlib.metadata import version

        return version("bluegrid-registry")
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value: object = getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


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
    "Lineage",
    "Manifest",
    "MetricChange",
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
    "ValueEdit",
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
    "edit_cluster",
    "edit_service",
    "edit_set",
    "export_model_signing",
    "fetch",
    "fetch_bytes",
    "load_service",
    "load_set",
    "models_in_folder",
    "move_service",
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
