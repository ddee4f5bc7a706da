"""What you satisfy to bring a device, an engine or a model of your own, and the values these speak in.

Nothing has to be inherited: a class with these methods will do.  docs/bring-your-own.md says what each promises, and
``voicemode.promises`` runs yours against it.  Audio is signed 16-bit little-endian mono ``bytes`` with its rate in Hz,
durations are float seconds, and moments are ``trio.current_time()``.
"""

from __future__ import annotations

from actors.errors import DeviceLost as DeviceLost
from actors.messages import (
    SAMPLE_BYTES as SAMPLE_BYTES,
    AudioFrame as AudioFrame,
    HeardWord as HeardWord,
    Message as Message,
    Synthesis as Synthesis,
    Transcript as Transcript,
    WordTime as WordTime,
    seconds_of as seconds_of,
)
from actors.ports import (
    Agent as Agent,
    Cued as Cued,
    Hearing as Hearing,
    LiveSpeechToText as LiveSpeechToText,
    Microphone as Microphone,
    Monitored as Monitored,
    Playback as Playback,
    Speaker as Speaker,
    SpeechModel as SpeechModel,
    SpeechStream as SpeechStream,
    SpeechToText as SpeechToText,
    Spool as Spool,
    Tap as Tap,
    TextToSpeech as TextToSpeech,
    TurnModel as TurnModel,
    UtteranceStore as UtteranceStore,
    Words as Words,
)
