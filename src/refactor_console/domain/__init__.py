"""Pure data and rules: no I/O, no clock, no third-party library. Every other layer may import this one."""
