"""What a process that has been forked must not take over from the one before: threads, which it has not got, and locks
that those held.

In: what is to be done about it.  Out: nothing; it is done in each child before anything else.
"""

from __future__ import annotations

import os
from collections.abc import Callable


def forget_in_children(forget: Callable[[], None]) -> None:
    """Have ``forget``, of something that stays as long as the process, called in each that is forked from this one."""
    if hasattr(os, "register_at_fork"):  # Windows has no fork
        os.register_at_fork(after_in_child=forget)
