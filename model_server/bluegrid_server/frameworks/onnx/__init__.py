"""ONNX: loader."""
