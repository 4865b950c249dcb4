"""The models of one version: fetched and verified, in memory, proven by their recorded examples."""
