"""XGBoost: loader and compiler."""
