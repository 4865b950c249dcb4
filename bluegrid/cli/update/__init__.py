"""The commands `bluegrid update ...`, one file each."""
