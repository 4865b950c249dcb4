"""Makes versions from uploads, a folder of the store or a trainer, and adds them to the registry."""
