"""The commands `bluegrid model ...`, one file each."""
