"""Who answers the user, whatever shape it has: a chat endpoint, a program, a function of somebody's own.

General layout: ``answering`` asks any of them; ``chat`` (with ``chat_stream``), ``command`` and ``imported`` find one.
"""

from .answering import answer as answer
