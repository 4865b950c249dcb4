"""The table of all commands, in the order of `bluegrid --help`.

A command `cluster scale` is the function in `cluster/scale.py` that `@command` decorates. To add a command,
add its file and its row here: the path, the first line of its docstring and, at the top level, the panel.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from bluegrid.cli.tree import Row

if TYPE_CHECKING:
    from collections.abc import Mapping

MODELS, SERVICES, RUNNING, PROJECT = "Models", "Services", "Running", "Project"

COMMANDS: tuple[Row, ...] = (
    Row("push", "Publish the models in FOLDER as a new version of a set.", MODELS),
    Row("fetch", "Fetch VERSION of SET into DIR: all its models, verified, or none.", MODELS),
    Row("serve", "Serve a version, or a folder of models, on this machine.", MODELS),
    Row("verify", "Read every byte of SET's versions; report what is damaged.", MODELS),
    Row("set", "Declare and search model sets.", MODELS),
    Row("set add", "Declare a set without versions; `bluegrid push` adds them."),
    Row("set list", "List the sets, all or those that match."),
    Row("set show", "Show everything that the registry says about SET."),
    Row("set edit", "Change SET's name, task, source or kinds, or trust more names."),
    Row("set remove", "Delete SET's file. A set that is online is refused."),
    Row("version", "List, compare, sign, export and remove versions.", MODELS),
    Row("version list", "List SET's versions, and which clusters serve them."),
    Row("version show", "Show what the registry, and the store if named, say of VERSION."),
    Row("version diff", "Compare the models of two versions, and their answers."),
    Row("version sign", "Sign VERSION with a key; signatures by other keys stay."),
    Row("version verify-signature", "Print which of the set's keys has signed VERSION."),
    Row("version export", "Write VERSION as files, signed for `model_signing`."),
    Row("version remove", "Remove VERSION's row. A version that a cluster serves is refused."),
    Row("model", "List, find and get the models of a version.", MODELS),
    Row("model list", "List the models of VERSION, all or those that match."),
    Row("model find", "Find which sets have models of UID, in the newest version of each."),
    Row("model show", "Show where the model UID is stored, and its recorded examples."),
    Row("model get", "Write the verified model UID into a file."),
    Row("key", "Make keys that sign versions.", MODELS),
    Row("key add", "Make a key pair that signs versions."),
    Row("store", "Examine a store, and free its space.", MODELS),
    Row("store probe", "Try what the server of a store, or the folder, supports."),
    Row("store gc", "Find what no version needs any more; with --delete, delete it."),
    Row("switch", "Make CLUSTER live: one word of YAML.", SERVICES),
    Row("rollback", "Make the cluster live that was live before.", SERVICES),
    Row("promote", "Make CLUSTER live region by region; watch each before the next.", SERVICES),
    Row("service", "Take services offline, and share their requests.", SERVICES),
    Row("service traffic", "Share the requests of SERVICE among clusters, by weights."),
    Row("service remove", "Take SERVICE offline, with all its clusters."),
    Row("cluster", "Declare, scale and remove the clusters of a service.", SERVICES),
    Row("cluster add", "Declare CLUSTER beside the live one; `pulumi up` starts it as a standby."),
    Row("cluster scale", "Set the number of pods of CLUSTER."),
    Row("cluster resize", "Change the limits of CLUSTER's pods, which are replaced one by one."),
    Row("cluster remove", "Remove CLUSTER and its pods; the live cluster is refused."),
    Row("status", "Show what is live, pods, models, traffic, and drift from YAML.", RUNNING),
    Row("logs", "Print the logs of SERVICE's pods, also those of the preflight.", RUNNING),
    Row("history", "List the commits that changed SERVICE.", RUNNING),
    Row("predict", "Send a request to one model, by URL or through the API server.", RUNNING),
    Row("compare", "Send the same requests to two clusters; compare answers and speed.", RUNNING),
    Row("doctor", "Check Kubernetes, routes, registry, store and programs.", RUNNING),
    Row("update", "The updates that an update server makes.", RUNNING),
    Row("update retry", "Try UPDATE again now, if it waits or failed before it had a version."),
    Row("update schedule", "List the sets that are trained on a schedule."),
    Row("server", "The update server, and its tokens.", RUNNING),
    Row("server start", "Run the update server until a signal ends it."),
    Row("server token", "Print a new token, once, and its row for the file of tokens."),
    Row("init", "Start a project in a new folder, with a stack for each region.", PROJECT),
    Row("tour", "Go from training to answers on this machine, without Kubernetes.", PROJECT),
    Row("check", "Report every mistake in the registry files, with file and line.", PROJECT),
    Row("preview", "Report what a preview of Pulumi changes.", PROJECT),
    Row("preview report", "Write a comment for a pull request: what changes, risks first."),
    Row("schema", "Print the JSON schema of a registry file or a stack's file.", PROJECT),
    Row("ci", "The steps of a project's workflows.", PROJECT),
    Row("ci stacks", "Print the stacks that have a file, a line each."),
    Row("ci preview", "Write what `pulumi up` would do in each stack to FOLDER/STACK.json."),
    Row("ci report", "Print the comment of a request: what changes, risks first."),
    Row("ci comment", "Write the report as a comment, or rewrite that of an earlier run."),
    Row("ci check", "Refuse mistakes of the registry, failed previews and broken rules."),
    Row("ci allowed", "Print which live services a merged request allows to be deleted."),
    Row("ci policy", "Print the folder of the policy pack, for `pulumi up --policy-pack`."),
    Row("stack", "The stacks: one file a region.", PROJECT),
    Row("stack add", "Write stacks/Pulumi.REGION.yaml; print the commands that remain."),
    Row("image", "The images that pods run.", PROJECT),
    Row("image build", "Build the image of a family of frameworks as an OCI archive."),
)

ALIASES: Mapping[str, str] = {
    "delete": "service remove",
    "export": "version export",
    "gc": "store gc",
    "key new": "key add",
    "preview-report": "preview report",
    "resources": "cluster resize",
    "scale": "cluster scale",
    "sign": "version sign",
    "stack new": "stack add",
    "stop": "cluster remove",
    "traffic": "service traffic",
    "update serve": "server start",
    "update token": "server token",
    "updates retry": "update retry",
    "updates schedule": "update schedule",
    "updates serve": "server start",
    "updates token": "server token",
    "verify-signature": "version verify-signature",
}
"""Spellings of 0.1, which work for one release more and are in no help."""
