"""What the commands have in common."""

PROGRAM = "python -m af_minimal"
