#!/bin/sh
# pytest-xdist's --dist loadgroup does not keep a group's tests in one process under pytest 9.2.
#
# Valid input: six tests that take 0.1 s and are marked `xdist_group("node")`. xdist names the tests of a group by
# writing a private attribute of pytest's items, which pytest 9.2 has removed: the name of the group is lost, and the
# tests run in both processes, without a warning.
# Seen on 2026-11-28 with Python 3.11 and pytest-xdist 3.8.0: with pytest 9.1.0 the tests run in 1 process, with
# 9.2.0 in 2.
#
# Installs the pinned packages into a temporary folder, needs Python 3.11 and a package index, and ends with 1 once the
# behaviour has changed.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cat > "$folder/test_group.py" <<'PYTHON'
import os
import pathlib
import time

import pytest

pytestmark = pytest.mark.xdist_group("node")


@pytest.mark.parametrize("number", range(6))
def test_where(number):
    time.sleep(0.1)
    pathlib.Path(__file__).with_name(f"ran-in-{os.environ['PYTEST_XDIST_WORKER']}").touch()
PYTHON
for version in 9.1.0 9.2.0; do
    python3 -m venv "$folder/$version"
    "$folder/$version/bin/pip" install --quiet "pytest==$version" pytest-xdist==3.8.0
    (cd "$folder" && rm -f ran-in-* && "$folder/$version/bin/python" -m pytest -q -n 2 --dist loadgroup test_group.py >/dev/null)
    processes=$(ls "$folder" | grep -c '^ran-in-')
    echo "pytest $version: the group's tests ran in $processes process(es)"
done
[ "$processes" -eq 2 ] || { echo "the finding is out of date"; exit 1; }
