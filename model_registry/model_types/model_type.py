"""The type of a model set: a framework and one of its file types."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydantic import GetJsonSchemaHandler, model_serializer, model_validator

from model_registry.frozen import Frozen

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pydantic_core import CoreSchema

FILE_TYPES: Mapping[str, tuple[str, ...]] = {"scikit-learn": ("skops",)}
"""The model file types of each framework. A type that can run code when it is loaded does not belong here."""


class ModelType(Frozen):
    """A framework and its file type, written `scikit-learn/skops`; one set holds one type."""

    framework: str
    file_type: str

    @model_validator(mode="before")
    @classmethod
    def _split(cls, value: Any) -> Any:
        if not isinstance(value, str):
            return value
        framework, _, file_type = value.partition("/")
        return {"framework": framework, "file_type": file_type}

    @model_validator(mode="after")
    def _is_known(self) -> ModelType:
        if self.file_type not in FILE_TYPES.get(self.framework, ()):
            raise ValueError(f"{str(self)!r} is not a known model type; known: {', '.join(_known_types())}")
        return self

    @model_serializer
    def __str__(self) -> str:
        return f"{self.framework}/{self.file_type}"

    @property
    def is_folder(self) -> bool:
        """Whether a model of this type is a folder."""
        return False

    @classmethod
    def parse(cls, text: str) -> ModelType:
        """Return the type that is written as `text`; ValueError names the known ones."""
        return cls.model_validate(text)

    @classmethod
    def __get_pydantic_json_schema__(cls, _schema: CoreSchema, _: GetJsonSchemaHandler) -> dict[str, Any]:
        """Describe the type as it is written: one string."""
        return {"description": cls.__doc__, "type": "string", "enum": list(_known_types())}


def _known_types() -> tuple[str, ...]:
    return tuple(f"{framework}/{name}" for framework, names in FILE_TYPES.items() for name in names)
