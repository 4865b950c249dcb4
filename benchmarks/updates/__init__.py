"""What the update server and its page cost, with growing numbers of services and of rows in its journal."""
