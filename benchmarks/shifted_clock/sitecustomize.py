"""On the path of a Python its clock on the wall is off, by the seconds that the file in ``BENCH_SHIFT`` holds.

The clock that only goes forward stays as it is, as when somebody sets a machine's clock.
"""

from __future__ import annotations

import os
import time
from pathlib import Path

_PLACE = Path(os.environ.get("BENCH_SHIFT", os.devnull))
_true = time.time


def _shifted() -> float:
    return _true() + float(_PLACE.read_text() or 0)


if "BENCH_SHIFT" in os.environ:
    time.time = _shifted
