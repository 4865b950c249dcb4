"""Model types are recognised without their frameworks."""

from __future__ import annotations

import subprocess
import sys


def test_types_are_told_without_importing_a_framework() -> None:
    code = (
        "import sys, bluegrid_registry.transfer.check\n"
        "print(*sorted({'numpy', 'sklearn', 'skops', 'joblib', 'onnx'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert done.stdout.strip() == ""
