"""What lies in a store, byte by byte: packs, manifests, commits, and the checksums that guard them."""
