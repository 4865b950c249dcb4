"""The models of one version: fetched, verified, loaded, and proven by their recorded examples."""
