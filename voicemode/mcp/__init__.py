"""The front end for agents over MCP: tool calls in, turns of one conversation behind them, results and progress out.

``stdio`` carries the messages, ``server`` answers them; ``voice`` holds the one conversation and what runs in it, so
that a call may go before its turn is over; a file for each tool, ``arguments`` and ``answers`` for what they take and
give.
"""
