"""PyArrow, which pandas imports."""

from __future__ import annotations

import os


def make_arrow_forkable() -> None:
    """Have PyArrow's allocator start no thread, which would not outlive a fork; call it before its import."""
    os.environ.setdefault("JE_ARROW_MALLOC_CONF", "background_thread:false")
