"""Stands for any recogniser that is a program: pcm at 16 kHz on standard input, the text so far, a line each, out."""

import sys

from pocketsphinx import Decoder

decoder = Decoder(samprate=16_000, loglevel="FATAL")
decoder.start_utt()
text = ""
while sound := sys.stdin.buffer.read1(3_200):
    decoder.process_raw(sound)
    if decoder.hyp() and decoder.hyp().hypstr != text:
        text = decoder.hyp().hypstr
        print(text, flush=True)
decoder.end_utt()
print(decoder.hyp().hypstr if decoder.hyp() else "")
