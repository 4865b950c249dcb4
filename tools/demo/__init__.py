"""The demo: from trained models to a live switch under load, in real parts, as steps that the tests run too.

    prepare.py     gets programs, image and models, side by side
    place.py       where it deploys: the node of this checkout, or a cluster that the user names
    workspace.py   the state folder: registry copy, Pulumi backend, settings, and one environment for all
    steps.py       what is done, each step with its result
    predictions.py, faults.py    parts of some steps
    scenario.py    the steps in order
    printer.py     how progress is printed
    promises.py    what the steps promise; the cluster tests assert it

The demo never edits tracked files: all it writes is below `.bluegrid/`.
"""
