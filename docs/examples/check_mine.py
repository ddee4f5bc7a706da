"""Whether what you bring keeps the promises of its port: nothing is printed but that it does, or which it breaks."""

import math
import struct

import trio
from turn_model import FallingVoice

from voicemode.promises import BrokenPromise, check_turn_model

TONE = struct.pack("<16000h", *(int(8000 * math.sin(at / 10)) for at in range(16_000)))

try:
    trio.run(check_turn_model, FallingVoice(), TONE, 16_000)
    print("It keeps them.")
except BrokenPromise as broken:
    raise SystemExit(f"It does not: {broken}") from None
