"""The figures that the README quotes: one command each, goals in `goals.yaml`, results in `results/`."""
