"""``python -m voicemode.config docs/configuration.md`` writes the table of settings there anew."""

from __future__ import annotations

import sys
from pathlib import Path

from .document import write_table

for page in sys.argv[1:]:
    write_table(Path(page))
