"""From a request to its response, the same in the front and in workers."""
