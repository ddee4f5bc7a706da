"""Pure state machines: they are fed events and the time, and return what is to be done.

A machine has no clock, no channel and no I/O.  An event that is illegal where the machine stands raises and leaves the
state as it was.
"""
