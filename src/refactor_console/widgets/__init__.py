"""Parts of screens: they draw domain values and post messages, and never talk to the outside world."""
