"""The HTTP API of the update server. Its OpenAPI document is at `/openapi.json`.

The modules do without `from __future__ import annotations`: FastAPI reads the annotations, and some of them
name variables of the function around.
"""
