"""A set of models of which some can be compiled."""

from __future__ import annotations

from tests.support.compiled_models import pushed as pushed
