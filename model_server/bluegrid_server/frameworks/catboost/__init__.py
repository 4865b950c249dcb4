"""CatBoost: loader."""
