"""Schema of a registry file, `<set>.yaml`.

Rules for single values are checked here, in `service_schema.py` and in `cluster_schema.py`; rules between
values or files in `cross_checks.py`. The JSON schema for editors is generated from these classes and their
docstrings.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import (
    ConfigDict,
    Field,
    ValidationInfo,
    field_validator,
)
from pydantic.alias_generators import to_camel

from bluegrid_registry.frozen import Frozen
from bluegrid_registry.model_types.model_type import ModelType  # noqa: TC001 - pydantic reads it at run time
from bluegrid_registry.names import Label, Source, Text
from bluegrid_registry.registry_files.lookup import pick
from bluegrid_registry.registry_files.service_schema import Service  # noqa: TC001 - pydantic reads it at run time
from bluegrid_registry.registry_files.update_policy import Retraining  # noqa: TC001
from bluegrid_registry.registry_files.version_rows import Version, VersionRows, Versions
from bluegrid_registry.signing.trusted_key import TrustedKey  # noqa: TC001

if TYPE_CHECKING:
    from bluegrid_registry.signing.keys import PublicKey

_COMPILED = ("scikit-learn", "xgboost", "lightgbm")
"""Frameworks whose models can be compiled to ONNX."""

_WITH_SIGNATURES = "tensorflow/savedmodel"


class DeclaredSet(Frozen):
    """A set of models of one type, one model per device."""

    model_config = ConfigDict(alias_generator=to_camel, serialize_by_alias=True)

    id: Label
    """Unique in the registry, and the file's name: g1 is in g1.yaml."""
    name: Text
    """Name of the set for people."""
    task: Text
    """Task of the models, such as regression or classification."""
    type: ModelType
    """Framework and file type of every model in the set."""
    source: Source
    """Defined by the platform, or by one of its users."""
    update: Retraining | None = None
    """How the update server trains the set again, on request and on schedule."""
    outputs: Annotated[tuple[Text, ...], Field(min_length=1)] | None = None
    """Outputs for requests that name none, such as probability; absent: what each model gives by default."""
    non_finite: Literal["null", "refuse"] = "null"
    """What becomes of an output that is not finite, such as NaN: null in JSON, or an error."""
    signature: Text | None = None
    """Signature of SavedModels to serve; absent: serving_default, or the only one."""
    accelerate: Literal["onnx", "none"] | None = None
    """Compile models when pods load them; a compiled model is used if its answers stay the same.

    Absent: as far as the image can. onnx: all that can be compiled, in the image family `accelerated`. none:
    every model answers by its framework, except linear models.
    """
    trust: tuple[Text, ...] = ()
    """Names that models may use beside the harmless ones: types in skops files, globals in pickles."""
    kinds: Literal["mixed"] | None = None
    """`mixed` lets the models be of different estimators; absent: a push refuses models of others."""
    keys: tuple[TrustedKey, ...] = ()
    """Keys that may sign the set's versions; if any, versions without a signature by one are refused."""

    @field_validator("source")
    @classmethod
    def _vouches_for_code(cls, source: Source, info: ValidationInfo) -> Source:
        model_type = info.data.get("type")
        if source is not Source.PLATFORM and model_type is not None and model_type.runs_code:
            raise ValueError(
                f"{source}, but {model_type} can run its author's code; only platform sets hold it"
            )
        return source

    @field_validator("signature")
    @classmethod
    def _has_signatures(cls, signature: str | None, info: ValidationInfo) -> str | None:
        model_type = info.data.get("type")
        if signature and model_type is not None and str(model_type) != _WITH_SIGNATURES:
            raise ValueError(
                f"only models of type {_WITH_SIGNATURES} have signatures; these are {model_type}"
            )
        return signature

    @field_validator("accelerate")
    @classmethod
    def _has_a_compiler(cls, accelerate: str | None, info: ValidationInfo) -> str | None:
        model_type = info.data.get("type")
        if accelerate == "onnx" and model_type is not None and model_type.framework not in _COMPILED:
            raise ValueError(f"compiles models of {', '.join(_COMPILED)}; these are {model_type}")
        return accelerate

    @property
    def public_keys(self) -> tuple[PublicKey, ...]:
        """The keys to verify with."""
        return tuple(key.to_public_key() for key in self.keys)


class RegistryFile(Frozen):
    """A model set, its versions and its online service: one file of the bluegrid registry."""

    set: DeclaredSet
    versions: Versions
    """The versions of the set that may be served."""
    service: Service | None = None
    """The set's one online service; absent: the set is not online."""

    def version(self, version_id: str) -> Version:
        """Return the version with this ID; RegistryError, with the declared IDs, if there is none."""
        if isinstance(self.versions, VersionRows) and (found := self.versions.find(version_id)):
            return found
        declared = {version.id: version for version in self.versions}
        return pick(declared, version_id, f"set {self.set.id} has no version {version_id}")

    @property
    def newest(self) -> Version | None:
        """The version that was updated last; of two at the same time, the later row. None: there is none."""
        if isinstance(self.versions, VersionRows):
            return self.versions.newest
        return max(reversed(self.versions), key=lambda version: version.updated, default=None)
