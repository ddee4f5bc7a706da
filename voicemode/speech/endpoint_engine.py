"""What every engine behind an endpoint can do.  In: its endpoint.  Out: whether it is there, and what it lists.

``GET …/models`` as in OpenAI's API reference, "List models".
"""

from __future__ import annotations

from .endpoint import SpeechEndpoint
from .endpoint_lists import names_in

MODELS = "/models"


class EndpointEngine:
    """Implements ``Probe``.  What it asks for here costs nothing anywhere, and keeps the connection warm."""

    def __init__(self, endpoint: SpeechEndpoint) -> None:
        self.name = endpoint.name
        self._endpoint = endpoint

    async def aclose(self) -> None:
        """Close the connections, in bounded time.  Idempotent."""
        await self._endpoint.aclose()

    async def probe(self) -> None:
        """Return when the endpoint answers, whatever it says: many know no ``/models``.

        Raises ProviderUnavailable for silence and 5xx, ProviderRefused for a key that is not accepted.
        """
        await self._listed()

    async def models(self) -> tuple[str, ...]:
        """The models that the endpoint lists; none where it lists none.  Raises as ``probe`` does."""
        return names_in(await self._listed())

    async def _listed(self) -> bytes:
        body = await self._endpoint.get(MODELS)
        self._noticed(body)
        return body

    def _noticed(self, models: bytes) -> None:
        """Take note of what the list of ``models`` says beside their names."""
