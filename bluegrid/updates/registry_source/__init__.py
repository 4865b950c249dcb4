"""The registry that the server reads and edits: a folder, or a clone that commits and pushes."""
