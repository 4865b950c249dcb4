"""Who vouches for a version: keys, and signatures over manifests."""
