"""What a conversation tells whoever watches it: the values that ``conversation.events()`` gives, by kind.

Times (``at`` and the like) are seconds on the clock of the run, ``trio.current_time()``.
"""

from __future__ import annotations

from actors.events import (
    BargedIn as BargedIn,
    Chimed as Chimed,
    Ducked as Ducked,
    Event as Event,
    Fate as Fate,
    Muted as Muted,
    ProviderChanged as ProviderChanged,
    ReplySpeculated as ReplySpeculated,
    State as State,
    StateChanged as StateChanged,
    TurnEnded as TurnEnded,
    TurnFailed as TurnFailed,
    TurnStarted as TurnStarted,
    UserAway as UserAway,
    UserBack as UserBack,
    UtteranceRecorded as UtteranceRecorded,
    WentOn as WentOn,
)
from actors.messages import (
    Drafted as Drafted,
    MicrophoneClosed as MicrophoneClosed,
    MicrophoneFailed as MicrophoneFailed,
    MicrophoneOpened as MicrophoneOpened,
    PartlyTranscribed as PartlyTranscribed,
    SpeakerFailed as SpeakerFailed,
    SpeakerOpened as SpeakerOpened,
    SpeakingStarted as SpeakingStarted,
    SpeechActivity as SpeechActivity,
    SpeechEnded as SpeechEnded,
    SpeechPaused as SpeechPaused,
    SpeechResumed as SpeechResumed,
    SpeechStarted as SpeechStarted,
    Spoken as Spoken,
    TextPiece as TextPiece,
    Transcribed as Transcribed,
    VoiceChanged as VoiceChanged,
)
