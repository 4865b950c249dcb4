"""Obtains the real parts on a bare machine, and the demo that uses them."""
