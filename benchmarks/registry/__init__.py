"""What reading and editing a registry costs, by its sets, their versions, and commits in git."""
