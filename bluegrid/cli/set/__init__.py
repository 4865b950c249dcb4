"""The commands `bluegrid set ...`, one file each."""
