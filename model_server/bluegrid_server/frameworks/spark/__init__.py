"""All that is known of Spark."""
