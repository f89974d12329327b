"""The notebooks in a real browser: `make test-browser`."""
