"""Settings of VoiceMode 8 that say nothing to this program.  In: a name.  Out: why it is not used.

They are no error, so that a file of VoiceMode's can be used as it is; they are named in a warning.
"""

from __future__ import annotations

import re

_UNUSED = {
    "speech services are named with VOICEMODE_TTS and VOICEMODE_STT": """
        CARTESIA_VOICE_ID CARTESIA_MODEL CARTESIA_FALLBACK_MODEL MLX_AUDIO_HOST MLX_AUDIO_BASE_URL
        IMPRESSIONS_MODEL VOICES_DIR REMOTE_VOICES_DIR EXPOSE_LOCAL_VOICES_REMOTE
    """,
    "the model of one service is chosen behind its address, as in http://127.0.0.1:2022/v1?model=base": """
        TTS_MODELS_[A-Z0-9_]+ STT_MODELS
    """,
    "another engine is asked instead of the same one again: see VOICEMODE_PROVIDER_SILENCE": """
        STT_RETRY_ATTEMPTS STT_RETRY_BACKOFF STT_RETRY_BACKOFF_MAX
    """,
    "services are not installed or started by this program": """
        AUTO_START_KOKORO
        MODELS_DIR WHISPER_MODEL WHISPER_MODEL_PATH WHISPER_THREADS
        WHISPER_STARTUP_TIMEOUT KOKORO_MODELS_DIR KOKORO_CACHE_DIR KOKORO_MAX_REQUESTS SERVICE_AUTO_ENABLE
    """,
    "what is received is chosen with VOICEMODE_TTS_AUDIO_FORMAT, what is sent with VOICEMODE_STT_COMPRESS": """
        AUDIO_FORMAT STT_AUDIO_FORMAT
    """,
    "recordings are kept as WAV and sent as WAV or FLAC": "STT_SAVE_FORMAT OPUS_BITRATE MP3_BITRATE AAC_BITRATE",
    "speech always streams": "STREAMING_ENABLED STREAM_CHUNK_SIZE STREAM_BUFFER_MS STREAM_MAX_BUFFER",
    "no silence is added to chimes or speech": "CHIME_LEADING_SILENCE CHIME_TRAILING_SILENCE TTS_TRAILING_SILENCE",
    "the voice detector is another one: see VOICEMODE_VAD_THRESHOLD": "VAD_AGGRESSIVENESS VAD_DEBUG",
    "a first word is waited for as long as VOICEMODE_NO_SPEECH_TIMEOUT says": "INITIAL_SILENCE_GRACE_PERIOD",
    "there are no surveys": "SURVEY_BREAK_PHRASES",
    "what is kept is chosen with VOICEMODE_SAVE_ALL": "DEBUG",
    "events are in logs/events in VOICEMODE_BASE_DIR, a file a day": "EVENT_LOG_DIR EVENT_LOG_ROTATION",
    "text is spoken as it is written": "PRONOUNCE PRONOUNCE_[A-Z0-9_]+ PRONUNCIATION_ENABLED "
    "PRONUNCIATION_LOG_SUBSTITUTIONS",
    "tools are chosen with VOICEMODE_TOOLS_ENABLED and VOICEMODE_TOOLS_DISABLED": "TOOLS",
    "there is no server for the web yet": "SERVE_[A-Z0-9_]+ MCP_URL MCP_TOKEN",
    "answers and progress have one form": "TIME_IN_RESPONSE PROGRESS_STYLE",
    "who has ended frees the voice at once, and who does not take a turn is passed over": """
        CONCH_LOCK_EXPIRY CONCH_REMOTE_TTL CONCH_GRANT_TTL
    """,
    "an agent says itself whether it waits for the voice": "CONCH_MODE CONCH_MCP_WAIT_CAP",
    "agents are reached as VOICEMODE_CONNECT_ENABLED says": "CONNECT_AUTO CHANNEL_ENABLED CHANNEL_DEBUG",
    "an agent's name for people is given with voicemode connect user add": "AGENT_DISPLAY_NAME",
    "messages are kept in inboxes in VOICEMODE_BASE_DIR": "MAILDIR_PATH MAILDIR_ENABLED",
    "there is nothing of that kind here": """
        THINK_OUT_LOUD THINKING_[A-Z0-9_]+ SOUNDFONTS_ENABLED HOOK_DEBUG CONVERSE_RATE_LIMIT
        CONVERSE_RATE_LIMIT_SECONDS AUTO_FOCUS_PANE FOCUS_HOLD_SECONDS DJ_VOLUME DJ_DUCK_AMOUNT
    """,
}

_REASONS = [(re.compile(f"VOICE_?MODE_(?:{'|'.join(names.split())})"), why) for why, names in _UNUSED.items()]


def why_unused(name: str) -> str | None:
    """The reason, or None for a name that VoiceMode does not have either."""
    return next((why for pattern, why in _REASONS if pattern.fullmatch(name)), None)
