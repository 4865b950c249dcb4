"""The commands `bluegrid preview ...`, one file each."""
