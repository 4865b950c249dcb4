"""Frameworks and their file types: their table, the recognition of their files, and which may run code.

model_type.py       the table: one row a type, written scikit-learn/skops
sniff.py            recognises the bytes of each type
protobuf.py         ) detects an ONNX model that keeps tensors in external files
external_data.py    )
compressed.py       decompresses files that were compressed as a whole
writers.py          finds the framework version that wrote a model
interface.py        a model's features, and the kind of its outputs
signature.py        the tensors of a version's models, and what changes of them break clients
tensors_of.py       the tensors of a model, from its bytes
pickle_scan.py      pickles: finds the names in them without executing them; loads by an allowlist
skops_scan.py       skops files: finds the names in them
estimators.py       finds the estimators of which a scikit-learn model was composed
never_offered.py    the names that no program offers to trust
allowlist.py        the names that a model may use
allowlist.toml      the names that are harmless
"""
