"""Any registry file is either read, or every mistake in it is one line with its place."""

from __future__ import annotations

import random
import re
from pathlib import Path

from bluegrid_registry import RegistryError
from bluegrid_registry.registry_files.registry import parse
from tests.support.checkout import CHECKOUT
from tests.support.endurance import scale
from tests.unit.bluegrid_registry.registry_files.edited import TEXT

EXAMPLE = (CHECKOUT / "examples" / "line_loading" / "registry" / "g1.yaml").read_text()
PIECES = [
    "{", "}", "[", "]", ":", "- ", "\n", "  ", "\t", "'", '"', "#", "&a", "*a",
    "!!python/object:tests.support.marker.Marker ",
    "? ", "|", ">", "---\n", "...\n", "%YAML 1.1\n", "null", "~", "yes",
    "0x1F", "1e999", "-", ".inf", "2026-13-45", "\0", "\ufeff", "\x85", "\u2028", "ü", "<<: ", "!!binary ",
    "=", "999999999999999999999", "0o17", "12:30:45", "live: {default: d1, north: d9}",
    "id: ../../outside", "replicas: -1", "cpu: 0", "regions: []", "keys: [{}]",
]  # fmt: skip


def fuzzed(source: random.Random) -> str:
    text = source.choice((TEXT, EXAMPLE))
    for _ in range(source.randint(1, 6)):
        start = source.randrange(len(text) + 1)
        end = min(len(text), start + source.choice((0, 0, 1, 3, 30)))
        piece = source.choice((*PIECES, text[start:end] * 2, text[end : end + 20]))
        text = text[:start] + piece + text[end:]
    return text


def test_a_fuzzed_file_is_read_or_refused_line_by_line() -> None:
    source = random.Random(4)
    refused = 0
    for _ in range(scale(600, 10_000)):
        text = fuzzed(source)
        try:
            parse({Path("registry/g1.yaml"): text})
        except RegistryError as error:
            refused += 1
            for line in str(error).split("\n"):
                assert re.match(r"registry/g1\.yaml:\d+: .", line), (line, text)
    # Otherwise the test would have tested nothing.
    assert refused > scale(600, 10_000) / 3
