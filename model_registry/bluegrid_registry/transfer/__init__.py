"""Transfers of versions between folders, memory and stores, verified on the way."""
