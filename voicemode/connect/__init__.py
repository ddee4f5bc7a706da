"""Agents that can be reached: messages from a person's devices in, by way of a gateway, into the agents' inboxes.

``wire`` is the form of what goes over the link; nothing here makes a connection unless the user allowed it.
"""
