"""What both sides said, kept for later.  In: the events of a conversation.  Out: a file of lines for each day, and what
is read back from it.

Nothing is written unless the settings ask for it.
"""

from __future__ import annotations

from .exchange import Exchange as Exchange
from .reading import Exchanges as Exchanges, recent as recent
