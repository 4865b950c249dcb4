"""The Open Inference Protocol as data: bodies, tensors and the OpenAPI document; no models, no sockets."""
