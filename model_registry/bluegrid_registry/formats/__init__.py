"""The bytes of a store's objects: packs, manifests, commits, and the checksums that guard them."""
