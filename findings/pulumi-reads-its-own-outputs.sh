#!/bin/sh
# A program that asks the engine for its own stack's outputs fails now and then, where the state is in a folder.
#
# Valid input: 150 components, and `pulumi:pulumi:readStackOutputs` of the stack that the program runs for. The engine
# saves the state after every new resource, beside the running program. The state itself is replaced in one step; the
# file beside it with its checksum (`.attrs`) is written in place, and read with every read of the state. Seen on
# 2026-11-28 with pulumi 3.246.0 and its Python SDK 3.272.0: 2 of 464 reads end with "failed to load checkpoint: EOF",
# as all do while that file is empty; the same read a moment later succeeds. The update goes on where the program
# catches the error, and fails where it does not.
#
# Needs Python 3.11, a package index, and the `pulumi` with its `pulumi-language-python` on PATH. Repeats the update up
# to ten times, and ends with 1 if no read failed in any: the behaviour has changed.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv .venv
.venv/bin/pip install --quiet pulumi==3.272.0
printf 'name: race\nruntime: {name: python, options: {virtualenv: .venv}}\n' > Pulumi.yaml
cat > __main__.py <<'PYTHON'
import time

import pulumi

stack = f"{pulumi.get_organization()}/{pulumi.get_project()}/{pulumi.get_stack()}"
for number in range(150):
    pulumi.ComponentResource("finding:index:Part", f"part-{number}")
failures, reads, end = set(), 0, time.monotonic() + 6
while time.monotonic() < end:
    reads += 1
    try:
        pulumi.runtime.invoke("pulumi:pulumi:readStackOutputs", {"name": stack})
    except Exception as error:
        failures.add(str(error).rpartition("returned an error: ")[2])
pulumi.export("failures", sorted(failures))
PYTHON
mkdir backend
export PULUMI_BACKEND_URL="file://$folder/backend" PULUMI_HOME="$folder/home" PULUMI_CONFIG_PASSPHRASE=none
for number in 1 2 3 4 5 6 7 8 9 10; do
    pulumi stack init "s$number" > /dev/null 2>&1
    pulumi up --yes --skip-preview --stack "s$number" > /dev/null 2>&1
    seen=$(pulumi stack output failures --stack "s$number" 2> /dev/null)
    echo "update $number: $seen"
    [ "$seen" = '["failed to load checkpoint: EOF"]' ] && exit 0
done
echo "the finding is out of date"
exit 1
