"""The modules that an import of the package loads."""

from __future__ import annotations

import subprocess
import sys


def test_the_package_needs_no_machine_learning_library() -> None:
    heavy = "{'sklearn', 'skops', 'joblib', 'boto3'} & set(sys.modules)"
    code = f"import sys, bluegrid_registry; print({heavy} or '')"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "\n"
