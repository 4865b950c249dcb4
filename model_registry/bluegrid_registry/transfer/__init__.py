"""How versions move between folders, memory and stores, and how they are proven on the way."""
