"""The JSON schema of a registry file: `python -m bluegrid_registry.registry_files.json_schema > FILE`."""

from __future__ import annotations

import json
import sys

from bluegrid_registry.registry_files.model_set_schema import RegistryFile


def json_schema() -> str:
    """Return the schema as text; a test compares it with the copy in docs/reference."""
    dialect = {"$schema": "https://json-schema.org/draft/2020-12/schema"}
    return json.dumps({**dialect, **RegistryFile.model_json_schema()}, indent=2) + "\n"


if __name__ == "__main__":
    sys.stdout.write(json_schema())
