"""Whether what you bring keeps the promises of its port: one of yours in, nothing or a ``BrokenPromise`` out.

    trio.run(check_voice, MyVoice())

or in a test.  Each check uses it as a conversation does, only ruder: two at once, cancelled at awkward moments, left
half way.  docs/bring-your-own.md has the promises in words.
"""

from __future__ import annotations

from .keeping import BrokenPromise as BrokenPromise
from .microphones import check_microphone as check_microphone
from .recognisers import check_live_recogniser as check_live_recogniser, check_recogniser as check_recogniser
from .speakers import check_speaker as check_speaker
from .turn_models import check_turn_model as check_turn_model
from .voices import check_voice as check_voice
