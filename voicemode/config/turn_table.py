"""The settings of turn-taking: when the user is done, what interrupts the assistant, what can be said to the machine.

They stand in ``table`` with all others.
"""

from __future__ import annotations

from typing import get_args

from actors.machines.backchannel import BACKCHANNELS
from actors.machines.barge_in import STOP_WORDS, Manners

from .kinds import COUNT, MILLISECONDS, PHRASES, PROBABILITY, SECONDS, SECONDS_OR_NONE, SWITCH, TEXT, choice
from .setting import Setting

TURN_TAKING = (
    Setting(
        "VOICEMODE_ENDPOINT_MIN_MS",
        MILLISECONDS,
        "300",
        "How many milliseconds of silence end what the user says when it looks finished.",
        field="turn.delay.shortest",
        per=1000,
    ),
    Setting(
        "VOICEMODE_ENDPOINT_MAX_MS",
        MILLISECONDS,
        "1500",
        "How many milliseconds of silence end it when it looks unfinished.",
        field="turn.delay.longest",
        per=1000,
    ),
    Setting(
        "VOICEMODE_TURN_MODEL",
        TEXT,
        "",
        "A model that judges by the sound whether the user is done: smart-turn, or a path.",
        field="turn_model",
    ),
    Setting(
        "VOICEMODE_DRAFTS",
        COUNT,
        "4",
        "How often one answer may be transcribed before it has certainly ended; 0 waits for its end.",
        field="turn.drafts",
    ),
    Setting(
        "VOICEMODE_SPECULATIVE_REPLIES",
        SWITCH,
        "false",
        "Whether the agent is asked as soon as the user looks done; its answer is dropped when they go on.",
        field="speculative_replies",
    ),
    Setting(
        "VOICEMODE_MIN_RECORDING_DURATION",
        SECONDS_OR_NONE,
        "0",
        "How many seconds the user is listened to before silence can end it.",
        option="--listen-min",
        field="turn.least",
    ),
    Setting(
        "VOICEMODE_DISABLE_SILENCE_DETECTION",
        SWITCH,
        "false",
        "Whether no silence ends what the user says, but only a key, a command or its longest duration.",
        field="turn.ignore_silence",
    ),
    Setting(
        "VOICEMODE_BARGE_IN",
        SWITCH,
        "true",
        "Whether the user interrupts the assistant by speaking over it.",
        field="turn.interruptible",
    ),
    Setting(
        "VOICEMODE_BARGE_IN_MIN_MS",
        MILLISECONDS,
        "190",
        "How many milliseconds of voice over the assistant interrupt it.",
        field="turn.barge_in.min_speech",
        per=1000,
    ),
    Setting(
        "VOICEMODE_BARGE_IN_POLICY",
        choice(get_args(Manners)),
        "pause_and_resume",
        "What the assistant does when it is spoken over.",
        option="--policy",
        field="turn.barge_in.manners",
    ),
    Setting(
        "VOICEMODE_BARGE_IN_DUCK",
        PROBABILITY,
        "0.25",
        "The share of its level that the assistant keeps while it is undecided whether it is interrupted.",
        field="turn.barge_in.duck",
    ),
    Setting(
        "VOICEMODE_BARGE_IN_MIN_WORDS",
        COUNT,
        "0",
        "How many words interrupt the assistant, where they can be known; 0 goes by voice alone.",
        field="turn.barge_in.min_words",
    ),
    Setting(
        "VOICEMODE_BARGE_IN_PROTECTED_MS",
        MILLISECONDS,
        "0",
        "For how many milliseconds after its first sound only a stop word interrupts the assistant.",
        field="turn.barge_in.protected",
        per=1000,
    ),
    Setting(
        "VOICEMODE_BACKCHANNELS",
        PHRASES,
        ",".join(BACKCHANNELS),
        "Words of somebody who listens, which interrupt nothing where words decide.",
        field="turn.barge_in.backchannels",
    ),
    Setting(
        "VOICEMODE_STOP_WORDS",
        PHRASES,
        ",".join(STOP_WORDS),
        "Words that always interrupt the assistant.",
        field="turn.barge_in.stop_words",
    ),
    Setting(
        "VOICEMODE_REPEAT_PHRASES",
        PHRASES,
        "repeat,say that again,pardon,what,come again",
        "The assistant says again what it said last when the user ends with one of these.",
        field="turn.spoken.repeat",
    ),
    Setting(
        "VOICEMODE_WAIT_PHRASES",
        PHRASES,
        "wait",
        "Nobody is listened to for a while when the user ends with one of these.",
        field="turn.spoken.wait",
    ),
    Setting(
        "VOICEMODE_END_PHRASES",
        PHRASES,
        "",
        "The user is done when they end with one of these, as in over; it is not in the transcript.",
        field="turn.spoken.end",
    ),
    Setting(
        "VOICEMODE_STOP_PHRASES",
        PHRASES,
        "",
        "The conversation ends when the user ends with one of these.",
        field="turn.spoken.stop",
    ),
    Setting(
        "VOICEMODE_REPEAT_MAX_LEADING_WORDS",
        COUNT,
        "4",
        "How many words may stand before a phrase of VOICEMODE_REPEAT_PHRASES.",
        field="turn.spoken.repeat_leading",
    ),
    Setting(
        "VOICEMODE_WAIT_MAX_LEADING_WORDS",
        COUNT,
        "4",
        "How many words may stand before a phrase of VOICEMODE_WAIT_PHRASES.",
        field="turn.spoken.wait_leading",
    ),
    Setting(
        "VOICEMODE_WAIT_DURATION",
        SECONDS,
        "60",
        "How many seconds nobody is listened to then.",
        field="turn.rest",
    ),
    Setting(
        "VOICEMODE_AWAY_AFTER",
        SECONDS,
        "15",
        "After how many seconds without a word of anybody the user is taken to be away.",
        field="turn.away",
    ),
    Setting(
        "VOICEMODE_HISTORY_BUFFER_SIZE",
        COUNT,
        "8",
        "How many of its latest utterances the assistant can say again.",
        field="history",
    ),
)
