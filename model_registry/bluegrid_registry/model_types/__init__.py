"""Frameworks and their file types: the table, what a file of each looks like, and which may run code.

model_type.py       the table: one row a type, written scikit-learn/skops
sniff.py            what the bytes of each type look like
protobuf.py         ) whether an ONNX model keeps tensors in files beside it
external_data.py    )
writers.py          by which version of its framework a model was written
interface.py        what a model takes and returns
pickle_scan.py      pickles: what they name, found without executing; loading by an allowlist
skops_scan.py       skops files: what they name
allowlist.py        which names a model may use
allowlist.toml      the names that are harmless
"""
