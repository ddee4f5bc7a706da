"""Puts what comes over the link into the agents' inboxes.

In: deliveries.  Out: for each, when it is durable or cannot be, a confirmation.  Whoever sends a delivery sends it
again until it is confirmed, so one that is on its way when this is cancelled is not lost, and the store keeps it from
being there twice.  Nothing is tried again here.
"""

from __future__ import annotations

import logging

import trio

from .errors import InboxError
from .link_messages import DeliveryConfirmation, UserMessageDelivery
from .ports import InboxStore

log = logging.getLogger(__name__)


async def write_inbox(
    deliveries: trio.MemoryReceiveChannel[UserMessageDelivery],
    confirmations: trio.MemorySendChannel[DeliveryConfirmation],
    *,
    store: InboxStore,
) -> None:
    """Run until ``deliveries`` ends, or nobody takes ``confirmations`` any more.

    What cannot be delivered is confirmed as not delivered, with a reason that says nothing of this machine.
    """
    with deliveries, confirmations:
        async for delivery in deliveries:
            confirmation = await _deliver(delivery, store)
            try:
                await confirmations.send(confirmation)
            except trio.BrokenResourceError:
                return


async def _deliver(delivery: UserMessageDelivery, store: InboxStore) -> DeliveryConfirmation:
    reason: str | None = None
    try:
        await store.deliver(delivery)
    except InboxError as error:
        log.warning("A message was not delivered: %s", error)
        reason = error.reason
    # voicemode.dev tells the one who wrote it by this name
    return DeliveryConfirmation(
        message_id=delivery.id, target_user=delivery.sender, delivered=reason is None, reason=reason
    )
