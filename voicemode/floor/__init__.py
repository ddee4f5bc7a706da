"""One voice, several agents: each asks for the floor before it speaks.  In: a session's wish to speak.  Out: its lease,
or who has the floor instead.

General layout: ``actors.machines.floor`` decides; ``store`` keeps what it decided in files that all processes share;
``floor`` is what the rest of the program calls, ``report`` and ``words`` say how it stands to programs and to people.
"""

from actors.errors import FloorBusy as FloorBusy
from actors.machines.floor import FloorState as FloorState, Participant as Participant

from .floor import Floor as Floor, Lease as Lease
from .report import report_of as report_of
