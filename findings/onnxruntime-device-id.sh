#!/bin/sh
# ONNX Runtime 1.32.0 makes a device ID and a database in the user's cache folder when it is imported, on Linux too.
#
# Valid input: `import onnxruntime`, with HOME an empty folder; no model, no session. Seen on 2026-11-28 with Python 3.11:
#     .cache/Microsoft/DeveloperTools/.onnxruntime/deviceid
#     .cache/Microsoft/DeveloperTools/.onnxruntime/onnxruntime.db
# An image whose build imports it carries the build's ID into each of its containers. With ORT_DISABLE_TELEMETRY=1 in
# the environment nothing is written.
#
# Installs the pinned package into a temporary folder, needs Python 3.11 and a package index, and ends with 1 once the
# behaviour has changed.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet onnxruntime==1.32.0 numpy==2.4.6
written() {
    mkdir "$folder/$1"
    env -u XDG_CACHE_HOME HOME="$folder/$1" ORT_DISABLE_TELEMETRY="$2" "$folder/venv/bin/python" -c "import onnxruntime"
    (cd "$folder/$1" && find . -type f | sort)
}
found=$(written as-it-is "")
echo "$found"
echo "$found" | grep -q deviceid || { echo "no device ID: the finding is out of date"; exit 1; }
[ -z "$(written disabled 1)" ] || { echo "written although it is disabled: the finding is out of date"; exit 1; }
