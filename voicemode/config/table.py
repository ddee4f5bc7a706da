"""Every setting once: its name, what can be written, its default, what it is for and what it sets.

The reading of files, the options' defaults, ``voicemode config``, the template and docs/configuration.md all come from
here.  Names and units are those of VoiceMode 8 wherever it has a setting of the same meaning.
"""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches
from typing import get_args

from ..settings import AUTO, FASTEST, SLOWEST, Compress, Echo, PauseEnd, SoundFormat
from .connect_table import CONNECT
from .floor_table import FLOOR
from .gateway_table import GATEWAY
from .kinds import (
    FOLDER,
    LIST,
    PORT,
    PROBABILITY,
    RECOGNISERS,
    SECONDS,
    SECONDS_OR_NONE,
    SECRET,
    SOCKET,
    SWITCH,
    TEXT,
    URI,
    URLS,
    VOICES,
    choice,
    milliseconds,
    number,
)
from .mcp_table import MCP
from .saving_table import SAVING
from .setting import ANY, YES, FileOf as FileOf, Setting as Setting
from .turn_table import TURN_TAKING

ANY_FILE = r"(?i)file:.*"
ELSEWHERE = r"(?i)(.*,)?\s*(https?:|openai\b).*"

_ALL = (
    Setting("VOICEMODE_MIC", URI, "portaudio:", "What is listened to.", "--mic", "microphone"),
    Setting("VOICEMODE_SPEAKER", URI, "portaudio:", "Where it is played.", "--speaker", "speaker", theirs=ANY_FILE),
    Setting(
        "VOICEMODE_DEVICE_WAIT",
        SECONDS_OR_NONE,
        "10",
        "How many seconds a lost microphone or speaker is waited for; 0 fails at once.",
        "--device-wait",
        "turn.device_wait",
    ),
    Setting(
        "VOICEMODE_ECHO",
        choice(get_args(Echo)),
        "auto",
        "What is done about the assistant's voice in the microphone.",
        "--echo",
        "echo",
    ),
    Setting(
        "VOICEMODE_NOISE_SUPPRESSION",
        SWITCH,
        "false",
        "Whether steady noise is taken out of the microphone's sound; needs the extra aec.",
        "--noise-suppression",
        "noise_suppression",
    ),
    Setting(
        "VOICEMODE_GAIN_CONTROL",
        SWITCH,
        "false",
        "Whether quiet voices are made louder and loud ones quieter; needs the extra aec.",
        "--gain-control",
        "gain_control",
    ),
    Setting(
        "VOICEMODE_AUDIO_FEEDBACK",
        SWITCH,
        "",
        "Whether short sounds tell when listening begins and ends; by default with a portaudio: speaker.",
        "--chimes",
        "chimes",
    ),
    Setting(
        "VOICEMODE_TTS",
        VOICES,
        AUTO,
        "The engine that speaks, or several in the order in which they are tried; auto is the best there is.",
        "--tts",
        "tts",
        theirs=ELSEWHERE,
    ),
    Setting(
        "VOICEMODE_STT",
        RECOGNISERS,
        AUTO,
        "The engine that transcribes, or several in the order in which they are tried; auto is the best there is.",
        "--stt",
        "stt",
        theirs=ELSEWHERE,
    ),
    Setting(
        "VOICEMODE_TTS_BASE_URLS",
        URLS,
        "",
        "Services that speak and are tried before all others, where VOICEMODE_TTS is auto.",
        field="tts_urls",
        theirs=ANY,
    ),
    Setting(
        "VOICEMODE_STT_BASE_URLS",
        URLS,
        "",
        "Services that transcribe and are tried before all others, where VOICEMODE_STT is auto.",
        field="stt_urls",
        theirs=ANY,
    ),
    Setting(
        "VOICEMODE_ALWAYS_TRY_LOCAL",
        SWITCH,
        "true",
        "Whether auto looks for speech services on this machine.",
        field="look_around",
    ),
    Setting(
        "VOICEMODE_PREFER_LOCAL",
        SWITCH,
        "true",
        "Whether auto tries the services it finds on this machine before OpenAI's.",
        field="prefer_local",
    ),
    Setting(
        "VOICEMODE_ALLOW_REMOTE",
        SWITCH,
        "false",
        "Whether auto may use OpenAI's services, for which there must be a key.",
        field="allow_remote",
        theirs=YES,
    ),
    Setting(
        "VOICEMODE_PROVIDER_SILENCE",
        SECONDS,
        "1.5",
        "How many seconds an engine may say nothing before the next one is asked.",
        field="silence",
    ),
    Setting(
        "VOICEMODE_HEDGE",
        SWITCH,
        "false",
        "Whether the next engine is asked as well when one takes longer than it usually does.",
        field="hedge",
    ),
    Setting(
        "VOICEMODE_VOICE",
        TEXT,
        "",
        "The engine's own name of a voice; by default the engine chooses.",
        "--voice",
        "voice",
    ),
    Setting(
        "VOICEMODE_VOICES",
        LIST,
        "af_sky,alloy",
        "Voices to take where VOICEMODE_VOICE names none, the first that the engine is known to have.",
        field="voices",
    ),
    Setting(
        "VOICEMODE_TTS_MODELS",
        LIST,
        "",
        "Models of services that speak, the first that the service has; by default tts-1 or what there is.",
        field="tts_models",
    ),
    Setting(
        "VOICEMODE_STT_MODEL",
        TEXT,
        "",
        "The model of services that transcribe, where they have it; by default whisper-1 or what there is.",
        field="stt_model",
    ),
    Setting(
        "VOICEMODE_STT_PROMPT",
        TEXT,
        "",
        "Words that services which transcribe are told to expect, as names and technical terms.",
        field="stt_prompt",
    ),
    Setting(
        "VOICEMODE_WHISPER_LANGUAGE",
        TEXT,
        "auto",
        "The language that services which transcribe are told, as in de; auto lets them find out.",
        field="stt_language",
    ),
    Setting(
        "VOICEMODE_WHISPER_PORT",
        PORT,
        "2022",
        "The port of this machine at which Whisper is looked for, and which whisper stands for.",
        field="whisper_port",
        theirs=ANY,
    ),
    Setting(
        "VOICEMODE_KOKORO_PORT",
        PORT,
        "8880",
        "The port of this machine at which Kokoro is looked for, and which kokoro stands for.",
        field="kokoro_port",
        theirs=ANY,
    ),
    Setting(
        "VOICEMODE_MLX_AUDIO_PORT",
        PORT,
        "8890",
        "The port of this machine at which mlx-audio is looked for.",
        field="mlx_audio_port",
        theirs=ANY,
    ),
    Setting(
        "VOICEMODE_KOKORO_DEFAULT_VOICE",
        TEXT,
        "",
        "Kokoro's voice on this machine where VOICEMODE_VOICE names none; by default as with all services.",
        field="kokoro_voice",
    ),
    Setting(
        "VOICEMODE_TTS_AUDIO_FORMAT",
        choice(get_args(SoundFormat)),
        "pcm",
        "What services that speak are asked for first; pcm begins soonest, aac needs the extra codecs.",
        field="tts_format",
    ),
    Setting(
        "VOICEMODE_STT_COMPRESS",
        choice(get_args(Compress)),
        "auto",
        "Whether recordings are sent as FLAC instead of WAV; auto does so to other machines.",
        field="stt_compress",
    ),
    Setting(
        "VOICEMODE_TTS_SPEED",
        number(SLOWEST, FASTEST),
        "",
        "How fast the voice speaks, as a factor on its usual pace.",
        "--speed",
        "speed",
    ),
    Setting(
        "VOICEMODE_PHRASES",
        LIST,
        "",
        "What the user is expected to say; the transcript is then one of them.",
        "--phrase",
        "phrases",
    ),
    Setting(
        "VOICEMODE_DEFAULT_LISTEN_DURATION",
        SECONDS,
        "120",
        "How many seconds one answer may last.",
        "--listen-max",
        "turn.longest",
    ),
    Setting(
        "VOICEMODE_NO_SPEECH_TIMEOUT",
        SECONDS,
        "10",
        "How many seconds a first word is waited for.",
        "--no-speech",
        "turn.no_speech",
    ),
    Setting(
        "VOICEMODE_SILENCE_THRESHOLD_MS",
        milliseconds(200),
        "700",
        "How many milliseconds of silence end what the user says.",
        field="endpoint.hangover",
        per=1000,
    ),
    Setting(
        "VOICEMODE_VAD_THRESHOLD",
        PROBABILITY,
        "0.5",
        "The probability of speech from which sound counts as voice while the user is silent.",
        field="endpoint.start",
    ),
    Setting(
        "VOICEMODE_VAD_RELEASE",
        PROBABILITY,
        "0.35",
        "The probability of speech below which sound counts as silence while the user speaks, at most "
        "VOICEMODE_VAD_THRESHOLD.",
        field="endpoint.stop",
    ),
    *TURN_TAKING,
    *MCP,
    Setting(
        "VOICEMODE_BASE_DIR",
        FOLDER,
        "~/.voicemode",
        "Where recordings, logs and the floor that agents share are kept.",
        "--base-dir",
        "base_dir",
    ),
    Setting(
        "VOICEMODE_SAVE_AUDIO",
        SWITCH,
        "false",
        "Whether recordings of the user are kept after they were transcribed.",
        "--save-audio",
        "save_audio",
    ),
    Setting(
        "VOICEMODE_CONTROL_CHANNEL_ENABLED",
        SWITCH,
        "false",
        "Whether your other programs can pause, stop and mute the conversation.",
        "--control",
        "control",
        theirs=YES,
    ),
    Setting(
        "VOICEMODE_CONTROL_SOCKET",
        SOCKET,
        "~/.voicemode/control.sock",
        "The socket at which they do.",
        "--socket",
        "control_socket",
        theirs=ANY,
    ),
    Setting(
        "VOICEMODE_CONTROL_PAUSE_TIMEOUT",
        SECONDS,
        "300",
        "How many seconds a conversation that can be controlled may be paused.",
        field="longest_pause",
    ),
    Setting(
        "VOICEMODE_CONTROL_PAUSE_TIMEOUT_ACTION",
        choice(get_args(PauseEnd)),
        "stop",
        "What becomes of it after that.",
        field="after_pause",
    ),
    Setting(
        "VOICEMODE_LLM_URL",
        TEXT,
        "",
        "The OpenAI-compatible endpoint that talk talks with, up to /v1.",
        "--llm-url",
        theirs=ANY,
    ),
    Setting("VOICEMODE_LLM_MODEL", TEXT, "", "Its model; by default the first it lists.", "--llm-model"),
    Setting("VOICEMODE_LLM_SYSTEM", TEXT, "", "Instructions for the model instead of ours.", "--system"),
    Setting("VOICEMODE_LLM_KEY", SECRET, "", "The key for the endpoint that talk talks with."),
    Setting("VOICEMODE_TTS_KEY", SECRET, "", "The key for the endpoint that speaks."),
    Setting("VOICEMODE_STT_KEY", SECRET, "", "The key for the endpoint that transcribes."),
    Setting("OPENAI_API_KEY", SECRET, "", "The key for OpenAI's own endpoints, which goes nowhere else."),
    *SAVING,
    *FLOOR,
    *CONNECT,
    *GATEWAY,
)

SETTINGS: Mapping[str, Setting] = {setting.name: setting for setting in _ALL}

SHORT = 4
"""Letters of a name, without what all begin with, in which one that is wrong is much of it."""


def nearest(name: str) -> str | None:
    """The setting that was probably meant."""
    by_end = {setting.removeprefix("VOICEMODE_"): setting for setting in SETTINGS}
    end = name.upper().removeprefix("VOICEMODE_")
    near = get_close_matches(end, by_end, n=1, cutoff=0.6 if len(end) <= SHORT else 0.7)
    return by_end[near[0]] if near else None


def no_such_setting(name: str) -> str:
    """What to say about ``name``, which is none."""
    near = nearest(name)
    return f"there is no setting {name}" + ("." if near is None else f", did you mean {near}?")
