"""Registry files: the YAML that declares sets, versions, services and the live clusters."""
