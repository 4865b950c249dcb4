"""The HTTP API of the update server. Its OpenAPI document is at `/openapi.json`.

Modules with routes have no `from __future__ import annotations`: FastAPI reads the annotations, and some
refer to variables of the enclosing function.
"""
