"""Small real examples: they make what the demo and the tests serve."""
