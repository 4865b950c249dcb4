"""Frameworks and their file types: which there are, and what a file of each looks like."""
