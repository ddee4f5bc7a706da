"""A turn model: who lets the voice fall at the end is probably done, who keeps it up is probably not."""

import sys

import numpy as np
import trio

import voicemode

END, BEFORE = 0.3, 1.5


class FallingVoice:
    name = "falling voice"

    async def finished(self, pcm: bytes, rate: int) -> float:
        return await trio.to_thread.run_sync(judged, pcm, rate, abandon_on_cancel=True)


def judged(pcm, rate):
    sound = np.frombuffer(pcm, "<i2", len(pcm) // 2).astype(float)
    voiced = sound[: np.flatnonzero(np.abs(sound) > 300)[-1] + 1] if (np.abs(sound) > 300).any() else sound
    end, before = voiced[-round(END * rate) :], voiced[-round(BEFORE * rate) : -round(END * rate)]
    if not len(before) or not before.any():
        return 0.5
    fall = np.std(before) / max(np.std(end), 1.0)
    return float(fall**2 / (1 + fall**2))


class Shown(FallingVoice):
    async def finished(self, pcm, rate):
        likely = await super().finished(pcm, rate)
        print(f"done: {likely:.2f}")
        return likely


async def main(microphone="portaudio:", speaker="portaudio:"):
    settings = voicemode.Settings(microphone=microphone, speaker=speaker)
    async with voicemode.open_conversation(settings, turn_model=Shown()) as conversation:
        result = await conversation.converse("What is it?")
        print("heard:", result.transcript)


if __name__ == "__main__":
    trio.run(main, *sys.argv[1:])
