"""pipecat's bundled turn analyser, asked from another process.  In: paths of WAV files, a line each.  Out: for each a
line with the probability that its speaker is done and the processor seconds it took.

It runs in an environment of its own that has pipecat-ai, and knows nothing of this project.
"""

from __future__ import annotations

import json
import sys
import time
import wave

import numpy as np
from loguru import logger
from pipecat.audio.turn.smart_turn.local_smart_turn_v3 import LocalSmartTurnAnalyzerV3

WARM_UP = 3


def main() -> None:
    logger.remove()
    analyser = LocalSmartTurnAnalyzerV3(sample_rate=16_000)
    analyser.set_sample_rate(16_000)
    for _ in range(WARM_UP):
        analyser._predict_endpoint(np.zeros(16_000, np.float32))
    for line in sys.stdin:
        with wave.open(line.strip()) as file:
            samples = np.frombuffer(file.readframes(file.getnframes()), "<i2").astype(np.float32) / np.float32(32768)
        begun = time.process_time()
        found = analyser._predict_endpoint(samples)
        print(json.dumps({"probability": found["probability"], "seconds": time.process_time() - begun}), flush=True)


if __name__ == "__main__":
    main()
