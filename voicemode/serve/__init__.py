"""The embedded engines as a speech service: OpenAI-compatible HTTP requests in, speech and transcripts out.

General layout: ``app`` is the ASGI application, with a file for each endpoint that does work (``speech``, and
``transcriptions`` with ``stretches``), ``engines`` behind them, and ``exchange``, ``form``, ``hosts`` and ``refusal``
to read requests and answer them.  ``server``, ``connection`` and ``wire`` serve any ASGI application over HTTP/1.1.
"""
