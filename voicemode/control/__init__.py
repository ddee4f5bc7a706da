"""A running conversation controlled from another process: named requests in over a Unix socket, its buttons pressed.

General layout: ``protocol`` is what goes over the socket; ``server`` and ``client`` are the two sides, ``pauses`` sees
to it that no pause lasts for ever, and ``controllable`` is what all of them may ask of a conversation.
"""
