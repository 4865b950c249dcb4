#!/bin/sh
# The pickle of any pipeline of OpenSTEF 4.7.0 names `builtins.getattr`, with which a pickle can reach any attribute of any object.
#
# Valid input: an empty TransformPipeline. Seen on 2026-11-29 with Python 3.13: its `__reduce__` returns
# `partial(TransformPipeline.__new__, …)`; `__new__` is that of `object`, a built-in method, which pickle writes as
# `getattr(object, "__new__")`. A loader with a list of allowed names has to replace `getattr`, since allowing it allows everything.
#
# openstef-core also imports yaml, and does not require PyYAML.
#
# Installs the pinned packages into a temporary folder, needs a package index and Python 3.12 or later (PYTHON names it), and ends with 1
# once the behaviour has changed.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3.13}" -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet openstef-core==4.7.0 pandas==3.1.1 numpy==2.5.5 pyyaml==6.0.3
"$folder/venv/bin/python" - <<'PYTHON'
import pickle
import pickletools
import sys

from openstef_core.mixins.transform import TransformPipeline

written = pickle.dumps(TransformPipeline(transforms=[]))
named = [argument for opcode, argument, _ in pickletools.genops(written) if isinstance(argument, str)]
print(named)
sys.exit("getattr" not in named)
PYTHON
