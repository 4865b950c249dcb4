"""Who vouches for a version: keys, signatures over manifests, and an export that other tools verify."""
