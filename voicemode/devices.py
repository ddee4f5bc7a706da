"""What makes devices of yours out of a connection or a stream, and devices without hardware."""

from __future__ import annotations

from .audio.fed_microphone import FedMicrophone as FedMicrophone, StreamMicrophone as StreamMicrophone
from .audio.file_microphone import FileMicrophone as FileMicrophone
from .audio.file_speaker import FileSpeaker as FileSpeaker
from .audio.files import Sound as Sound
from .audio.sent_speaker import (
    ClearsSound as ClearsSound,
    FarSpeaker as FarSpeaker,
    SaysWhatPlayed as SaysWhatPlayed,
    SentSpeaker as SentSpeaker,
)
from .audio.uri import microphone_from as microphone_from, speaker_from as speaker_from
from .audio.virtual_microphone import VirtualMicrophone as VirtualMicrophone
from .audio.virtual_speaker import VirtualSpeaker as VirtualSpeaker
