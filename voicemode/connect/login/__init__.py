"""Who the user is to a gateway.  In: a person at a browser.  Out: a token for each connection, for as long as it lasts.

General layout: ``signing_in`` is the whole of a sign-in, by ``provider`` (who is asked), ``request`` (what for),
``loopback`` and ``pasted`` (how the answer comes), ``answer`` (whether it is one) and ``tokens``; ``credentials`` is
what it leaves, kept in a ``store``; ``access_token`` renews it, ``signing_out`` takes it back.  ``asking`` is the one
way to the provider, ``guard`` lets one process at a time change a login.
"""

from .access_token import AccessToken as AccessToken, access_token as access_token
from .errors import LoginError as LoginError, LoginRequired as LoginRequired
from .settings import LoginSettings as LoginSettings
