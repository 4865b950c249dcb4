"""Keys, and signatures over the manifests of versions."""
