"""The command `bluegrid`: thin commands over the packages that do the work."""
