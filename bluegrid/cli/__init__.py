"""The command `bluegrid`: a file a command, named as the command is.

main.py                         the tree of commands, and how errors end one
push.py, switch.py, ...         `bluegrid push`, `bluegrid switch`, ...
sets.py, versions.py, models.py, clusters.py, stores.py, stacks.py, images.py, keys.py, updates.py
                                groups of commands: `bluegrid set add|list|show|edit|remove`, ...
options.py, project_folders.py, regions.py    what several commands take, with defaults and checks
output.py, progress.py, remedies.py           what commands print
edits.py, pulumi.py             how commands change the registry, and have Pulumi apply the change
update_client.py, marks.py      requests to an update server
"""
