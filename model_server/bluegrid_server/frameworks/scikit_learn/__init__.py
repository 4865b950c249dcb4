"""scikit-learn: loaders and compiler."""
