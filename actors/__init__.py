"""The conversation without its outside: actors, the pure machines that decide for them, and the words they use.

General layout, imports going down only:

    capture vad recorder transcriber streamer player converse     async functions, channels in, channels out
    ports ring                                                    what an actor may ask of the outside; one small tool
    machines/                                                     pure: feed(event, now) -> commands, no clock, no I/O
    messages errors                                               the vocabulary

Nothing here imports ``voicemode``, nor any library but trio and attrs: devices, engines and files are adapters that
implement the ports one floor up.
"""
