"""Runs the venues' own programs in LiteSVM and writes what they did as vector files.

`vectors` reads and writes the files, `svm` runs one swap, `venues/` knows one venue each (how to call it,
what its result means, what of its accounts may be rewritten), `swaps` draws swaps, `generate` chains states.
"""
