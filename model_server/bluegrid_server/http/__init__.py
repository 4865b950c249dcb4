"""The HTTP API: Open Inference Protocol v2 (REST), its repository index, and one call for many models.

https://github.com/kserve/open-inference-protocol, specification/protocol/inference_rest.md
"""
