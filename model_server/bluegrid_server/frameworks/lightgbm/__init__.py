"""All that is known of LightGBM."""
