"""Whatever touches the disk: reading sounds and manifests, keeping models and runs.

All writing is atomic, nothing is pickled, and no name leaves the folder it was given.
"""
