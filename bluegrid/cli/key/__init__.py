"""The commands `bluegrid key ...`, one file each."""
