"""The demo world: real protocols (SSH, Docker Engine API) over one small simulated platform, in a process of its own.

It stands outside the console's layers: it imports none of the console's adapters, services or widgets, so that the
console cannot tell it from the real thing by sharing code with it.
"""
