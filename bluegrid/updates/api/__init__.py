"""The HTTP API of the update server. Its OpenAPI document is at `/openapi.json`.

Here annotations are evaluated where they stand, without `from __future__ import annotations`: FastAPI reads
them, and some are made in the function around.
"""
