"""All that is known of TensorFlow and Keras."""
