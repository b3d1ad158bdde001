"""Whole-terminal screens; they compose widgets and hand readings down to them."""
