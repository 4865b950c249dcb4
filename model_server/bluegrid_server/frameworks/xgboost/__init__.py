"""All that is known of XGBoost."""
