"""The runtime interface client for Python, as far as batchfold and its tests touch it."""
