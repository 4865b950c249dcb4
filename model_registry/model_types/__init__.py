"""Frameworks and their file types: which there are, what a file of each looks like, and which may run code.

model_type.py       the table: one row a type, written scikit-learn/skops
looks.py            what the bytes of each type look like
pickles.py          pickles: what they name, found without executing; loading by an allowlist
skops.py            skops files: what they name
trusted.toml        the names that are harmless
guard.py            every model of a push: right type, nothing untrusted
"""
