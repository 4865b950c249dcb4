"""The commands `bluegrid store ...`, one file each."""
