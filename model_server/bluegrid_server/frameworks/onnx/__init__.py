"""All that is known of ONNX."""
