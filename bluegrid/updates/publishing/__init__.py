"""From uploads, a folder of the store or a trainer to a version in the store and in the registry."""
