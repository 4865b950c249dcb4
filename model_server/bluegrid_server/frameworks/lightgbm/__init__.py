"""LightGBM: loader and compiler."""
