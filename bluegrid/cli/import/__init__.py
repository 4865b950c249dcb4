"""The commands `bluegrid import ...`, one file each."""
