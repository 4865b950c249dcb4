"""Registry files: the YAML that says which sets and versions exist and which cluster is live."""
