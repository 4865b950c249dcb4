"""Spark: loader."""
