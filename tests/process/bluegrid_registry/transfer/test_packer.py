"""The memory of a push, in a separate process."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.support.endurance import scale

if TYPE_CHECKING:
    from pathlib import Path

# A push of models from memory into a folder, in a separate process to measure only its memory.
PUSH = """
import os, sys
from bluegrid_registry import ModelType, SourceModel, open_store, push
count, size, url = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
models = (SourceModel(f"line-{number:06}", os.urandom(size)) for number in range(count))
report = push(open_store(url), "g1", "v1", models, model_type=ModelType.parse("scikit-learn/skops"))
assert report.models == count
# Not ru_maxrss: that begins with what the parent held when it forked.
peak = next(line for line in open("/proc/self/status") if line.startswith("VmHWM:"))
print(int(peak.split()[1]) // 1024)
"""


@pytest.mark.parametrize(
    ("count", "size", "mebibytes"),
    [(scale(20_000, 100_000), 2000, 300), (scale(3, 6), scale(100, 1000) * 10**6, 300 + scale(200, 2000))],
)
def test_memory_is_bounded_whatever_the_number_and_the_size(
    count: int, size: int, mebibytes: int, tmp_path: Path
) -> None:
    arguments = [str(count), str(size), f"file://{tmp_path}"]
    done = subprocess.run(
        [sys.executable, "-c", PUSH, *arguments], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) < mebibytes
