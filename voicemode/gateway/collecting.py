"""How often Python looks for garbage in a process that holds thousands of connections.

All that they consist of is looked through each time, which takes a second for 5,000 of them (bench_gateway), while
nothing else happens.  Nearly everything here goes without being looked for, when it is referred to no longer.
"""

from __future__ import annotations

import gc

SELDOM = (10_000, 20, 100)
"""Objects, and lookings for younger ones, before the next: Python's own are 700, 10, 10, or the like."""


def collect_seldom() -> None:
    """To be called once, when all is loaded; what there is by then is not looked through again."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*SELDOM)
