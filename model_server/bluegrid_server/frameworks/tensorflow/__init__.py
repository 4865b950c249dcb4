"""TensorFlow and Keras: loaders."""
