"""On the path of a Python, its clock on the wall is off by the seconds that the file in ``VOICEMODE_BENCH_SHIFT`` holds.

The clock that only goes forward stays as it is, as when somebody sets a machine's clock.
"""

from __future__ import annotations

import os
import time

_PLACE = os.environ.get("VOICEMODE_BENCH_SHIFT", "")
_true = time.time


def _shifted() -> float:
    with open(_PLACE, encoding="ascii") as file:
        return _true() + float(file.read() or 0)


if _PLACE:
    time.time = _shifted
