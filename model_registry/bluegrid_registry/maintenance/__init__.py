"""What keeps a store sound and small: comparing, verifying, healing and collecting garbage."""
