#!/bin/sh
# Every run of Pulumi's provider for Kubernetes leaves a copy of the kubeconfig in the folder of temporary files.
#
# Valid input: a provider with a context of a kubeconfig, and previews of a Namespace; no cluster is needed. Seen on
# 2026-11-30 with pulumi 3.246.0 and pulumi-kubernetes 4.24.1: each preview leaves a file `kubeconfig<number>` in
# TMPDIR, readable by its owner alone, with the token of the login. `pulumi up` leaves one too:
# after a day of tests there were 2,684.
#
# Needs Python 3.11, a package index, and `pulumi` with its `pulumi-language-python` and `pulumi-resource-kubernetes`
# on PATH. Ends with 1 once the behaviour has changed.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv .venv
.venv/bin/pip install --quiet pulumi==3.272.0 pulumi-kubernetes==4.24.1
printf 'name: leftovers\nruntime: {name: python, options: {virtualenv: .venv}}\n' > Pulumi.yaml
cat > __main__.py <<'PYTHON'
import pulumi
from pulumi_kubernetes import Provider
from pulumi_kubernetes.core.v1 import Namespace

provider = Provider("grid", context="grid")
Namespace("grid", opts=pulumi.ResourceOptions(provider=provider))
PYTHON
cat > kubeconfig.yaml <<'YAML'
apiVersion: v1
kind: Config
clusters: [{name: grid, cluster: {server: "http://127.0.0.1:9"}}]
users: [{name: grid, user: {token: of-the-login}}]
contexts: [{name: grid, context: {cluster: grid, user: grid}}]
YAML
mkdir backend temporary
export PULUMI_BACKEND_URL="file://$folder/backend" PULUMI_HOME="$folder/home" PULUMI_CONFIG_PASSPHRASE=none
export KUBECONFIG="$folder/kubeconfig.yaml"
pulumi stack init s > /dev/null 2>&1
for number in 1 2 3; do
    TMPDIR="$folder/temporary" pulumi preview --stack s > /dev/null 2>&1 || { echo "the preview failed"; exit 1; }
    left=$(find temporary -name 'kubeconfig*' -perm 600 | wc -l)
    echo "$number previews: $left files, $(cat temporary/kubeconfig* | grep -c of-the-login) tokens"
done
[ "$left" -eq 3 ] || { echo "the finding is out of date"; exit 1; }
