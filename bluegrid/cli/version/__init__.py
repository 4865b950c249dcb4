"""The commands `bluegrid version ...`, one file each."""
