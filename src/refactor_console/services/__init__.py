"""Feeds, sources and actions over the adapters; shared by the terminal interface and the command line."""
