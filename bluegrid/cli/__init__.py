"""The command `bluegrid`: one file for each command, named as the command.

main.py                         the tree of commands, and the handling of errors
push.py, switch.py, ...         `bluegrid push`, `bluegrid switch`, ...
sets.py, versions.py, models.py, clusters.py, stores.py, stacks.py, images.py, keys.py, updates.py
                                groups of commands: `bluegrid set add|list|show|edit|remove`, ...
options.py, project_folders.py, regions.py    shared options, with defaults and checks
output.py, progress.py, remedies.py           output of commands
edits.py, pulumi.py             edits of the registry, and runs of Pulumi that apply them
update_client.py, marks.py      requests to an update server
"""
