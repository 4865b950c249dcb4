"""Whether models to push would change anything in the version that they are based on."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from bluegrid_registry.transfer import config as transfer_config
from bluegrid_registry.transfer.sources import read_ahead

if TYPE_CHECKING:
    from collections.abc import Iterable

    from bluegrid_registry.formats.manifest import Manifest, ModelRow
    from bluegrid_registry.transfer.sources import LoadedModel, SourceModel


def has_changes(base: Manifest, models: Iterable[SourceModel]) -> bool:
    """Return whether a version of `base` and these models would differ from `base`.

    Versions are compared as by a repeated push: by their models, recorded examples and lineage. Models are
    read up to the first that differs.

    Args:
        base: the manifest of the base.
        models: models that replace those of the base, or are added to them.

    Raises:
        ConfigError: a UID is not valid, or a model cannot be read.
        FormatError: a model is empty, too large or, if it is compressed, damaged.
    """
    rows = {row.uid: row for row in base.models}
    config = transfer_config.DEFAULT
    with ThreadPoolExecutor(config.readers) as readers:
        loaded = read_ahead(models, readers, config, base.type.plain)
        return any(_differs(rows.get(model.uid), model) for model in loaded)


def _differs(row: ModelRow | None, model: LoadedModel) -> bool:
    if row is None or row.sha256 != model.sha256 or row.lineage != model.lineage:
        return True
    return row.examples_sha256 != (model.examples.sha256 if model.examples else None)
