"""voicemode for plain scripts: the same conversation, in calls that return when they are done.

    with voicemode.sync.open_conversation(settings) as conversation:
        result = conversation.converse("What shall I do next?")

General layout: ``conversation`` is ``voicemode.Conversation`` for a thread; ``opening`` opens and closes it; ``host``
runs what the engine asks of the thread that waits for it.
"""

from .conversation import Conversation as Conversation
from .host import Agent as Agent, Speech as Speech
from .opening import open_conversation as open_conversation
