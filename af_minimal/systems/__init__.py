"""Other systems beside Audio Flamingo, in miniature, on the same core and sounds."""
