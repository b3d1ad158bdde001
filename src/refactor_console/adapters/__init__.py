"""One module per outside system; each raises its own few exceptions and returns domain values."""
