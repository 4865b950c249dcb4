"""The commands `bluegrid cluster ...`, one file each."""
