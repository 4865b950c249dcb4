"""The commands `bluegrid image ...`, one file each."""
