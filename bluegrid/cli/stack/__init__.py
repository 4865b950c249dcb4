"""The commands `bluegrid stack ...`, one file each."""
