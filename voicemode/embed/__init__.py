"""The engine in a process that is not Trio's: what ``voicemode.aio`` and ``voicemode.sync`` have in common.

General layout: an ``engine`` is one Trio run, in a ``thread`` of its own or as a guest; a ``session`` holds one
conversation in it; a ``call`` is what a host asks of it, an ``errand`` what it asks of the host; a ``feed`` brings
events, a ``talk`` calls the host back, and ``controls`` are what of a conversation does not wait.
"""
