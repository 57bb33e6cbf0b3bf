"""Receipts for whoever may see the history: one at a time, with names, and whether it is as it was written."""

from jobs.authorize import authorize
from jobs.desk import Desk
from jobs.errors import NotFoundError
from storage.facts.people import Action, Actor
from storage.facts.receipts import ReceiptPage
from storage.records import members, receipts, sources
from storage.sessions import Session


class ReceiptService:
    """Shows the receipts of the actor's own organization."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def one(self, actor: Actor, receipt_id: str) -> ReceiptPage:
        """Return a receipt; NotFoundError for a missing one and for somebody else's."""
        member = authorize(actor, Action.SEE_HISTORY)
        return await self._desk.read(lambda session: _page(session, member.organization_id, receipt_id))


def _page(session: Session, organization_id: str, receipt_id: str) -> ReceiptPage:
    there = receipts.found(session, organization_id, receipt_id)
    if there is None:
        raise NotFoundError
    receipt, sound = there
    source = sources.visible(session, organization_id, receipt.source_id)
    if source is None:
        raise NotFoundError
    names = {member.id: member.name for member in members.ever(session, organization_id)}
    return ReceiptPage(receipt, source, tuple(names.get(one, "a former member") for one in receipt.asked_by), sound)
