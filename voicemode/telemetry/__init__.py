"""What a conversation tells programs that watch over many: spans of its turns, and figures.  In: what happens.  Out:
lines in a file, or OpenTelemetry.

Nothing in here is loaded unless the settings ask for it.
"""
