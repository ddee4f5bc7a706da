"""A gateway of one's own: a person's devices and agents' sides in by WebSocket, messages between them out.

General layout: ``routing`` decides (with ``account``, ``names``, ``post``; no clock, no I/O), ``hub`` carries its
commands out, ``connection`` is one WebSocket, ``app`` the ASGI application, ``serving`` has anycorn serve it.
``tokens`` and ``issuer`` say whose a connection is, ``queue`` keeps messages on the disk, ``broker`` joins several
processes.
"""
