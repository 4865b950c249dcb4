"""Forecasting models of OpenSTEF for the grid of SimBench, from training to forecasts."""

from __future__ import annotations

import os

# A process for each core trains; more threads would wait for each other. Libraries read this on import.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
