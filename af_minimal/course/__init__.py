"""What only notebooks use: figures, widgets, exercise checks and the set-up cell."""
