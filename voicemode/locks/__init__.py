"""Locks that processes share and the system drops with whoever has them: ``lock_file`` is held for long by one that
lives, ``alone`` for moments by whoever changes files."""
