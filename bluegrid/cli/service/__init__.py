"""The commands `bluegrid service ...`, one file each."""
