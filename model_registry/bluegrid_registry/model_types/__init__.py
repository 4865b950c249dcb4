"""Frameworks and their file types: which there are, what a file of each looks like, and which may run code.

model_type.py       the table: one row a type, written scikit-learn/skops
looks.py            what the bytes of each type look like
protobuf.py         ) whether an ONNX model keeps tensors in files beside it
external_data.py    )
writers.py          by which version of its framework a model was written
pickles.py          pickles: what they name, found without executing; loading by an allowlist
skops.py            skops files: what they name
trusted.toml        the names that are harmless
guard.py            every model of a push: right type, nothing untrusted
"""
