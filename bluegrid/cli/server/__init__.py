"""The commands `bluegrid server ...`, one file each."""
