"""All that is known of scikit-learn."""
