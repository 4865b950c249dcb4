"""What pods are made of: settings, sizes, marks, and whom they may speak with."""
