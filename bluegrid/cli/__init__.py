"""The command `bluegrid`: a file a command, named as the command is.

main.py             the tree of commands, and how errors end one
options.py          arguments and options that several commands have
output.py           JSON or text, tables, errors, warnings
<command>.py        `bluegrid push`: push.py, `bluegrid switch`: switch.py
<plural>.py         a group of commands, `bluegrid set add|list|show`: sets.py
edits.py, pulumi.py how commands change the registry, and have Pulumi apply the change
"""
