"""One training on many processes and machines: who does what, and whole sums of parts.

Taught in: notebooks/08_staged_training.ipynb
"""
