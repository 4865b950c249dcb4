"""Frameworks and their file types: which there are, what a file of each looks like, and which may run code.

model_type.py       the type of a set, written scikit-learn/skops
file_types.py       the table: one row a type
looks.py            what the bytes of each type look like
content.py          whether a model's bytes look like its type, and what they are instead
pickles.py          pickles: what they name, found without executing; loading by an allowlist
skops.py            skops files: what they name
trusted.py          the names that are harmless
guard.py            every model of a push: right type, nothing untrusted, no odd one out
"""
