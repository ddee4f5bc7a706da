"""voicemode for asyncio: the same conversation, while the engine runs in a thread of its own.

    async with voicemode.aio.open_conversation(settings) as conversation:
        result = await conversation.converse("What shall I do next?")

General layout: ``conversation`` is ``voicemode.Conversation`` for an asyncio task; ``opening`` opens and closes it;
``host`` runs what the engine asks of the loop, ``words`` is what an agent may be; ``engines`` makes speech engines of
asyncio functions and ``devices`` a speaker; ``guest`` has the engine in the loop itself.
"""

from .conversation import Conversation as Conversation
from .devices import speaker as speaker
from .engines import speech_to_text as speech_to_text, text_to_speech as text_to_speech
from .opening import open_conversation as open_conversation
from .words import Agent as Agent, Speech as Speech
