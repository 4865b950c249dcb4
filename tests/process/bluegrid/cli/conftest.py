"""What tests of the operator's commands share."""

from __future__ import annotations

from tests.support.operator import file as file
