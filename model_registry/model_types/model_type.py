"""The type of a model set: a framework and one of its file types."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydantic import GetJsonSchemaHandler, model_serializer, model_validator

from model_registry.frozen import Frozen
from model_registry.model_types.file_types import FILE_TYPES, FileType, file_types

if TYPE_CHECKING:
    from pydantic_core import CoreSchema

__all__ = ["FILE_TYPES", "ModelType"]


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
        known = file_types()
        if str(self) not in known:
            raise ValueError(f"{str(self)!r} is not a known model type; known: {', '.join(known)}")
        return self

    @model_serializer
    def __str__(self) -> str:
        return f"{self.framework}/{self.file_type}"

    @property
    def row(self) -> FileType:
        """What is known of the type."""
        return file_types()[str(self)]

    @property
    def is_folder(self) -> bool:
        """Whether a model of this type is a folder."""
        return self.row.is_folder

    @property
    def runs_code(self) -> bool:
        """Whether loading a hostile model of this type, or predicting with it, can run its author's code."""
        return self.row.runs_code

    @classmethod
    def parse(cls, text: str) -> ModelType:
        """Return the type that is written as `text`; ValueError names the known ones."""
        return cls.model_validate(text)

    @classmethod
    def __get_pydantic_json_schema__(cls, _schema: CoreSchema, _: GetJsonSchemaHandler) -> dict[str, Any]:
        """Describe the type as it is written: one string."""
        return {"description": cls.__doc__, "type": "string", "enum": list(file_types())}
