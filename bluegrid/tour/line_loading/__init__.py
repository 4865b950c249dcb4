"""Loading of every branch of the IEEE 118-bus network: one scikit-learn model a branch, four versions."""
