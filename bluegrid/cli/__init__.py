"""The command `bluegrid`: one file for each command, named as the command.

main.py                         the entry point, and the handling of errors
commands.py, tree.py            the table of commands; how they are imported when they are called
push.py, switch.py, ...         `bluegrid push`, `bluegrid switch`, ...
cluster/, set/, version/, ...   groups of commands: `bluegrid cluster add|scale|resize|remove`, ...
options.py, set_options.py, passphrase.py, project_folders.py, regions.py, completion.py
                                shared options, with defaults, checks and completion of names
output.py, progress.py, remedies.py, service_rows.py, set_rows.py, version_rows.py, model_rows.py
                                output of commands
edits.py, pulumi.py             edits of the registry, and runs of Pulumi that apply them
update_client.py, update_batch.py, update_progress.py, marks.py
                                requests to an update server
"""
