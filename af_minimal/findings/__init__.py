"""What the papers found, measured here in miniature, and whether it holds."""
