"""How a bare machine gets the real parts, and the demo that uses them."""
