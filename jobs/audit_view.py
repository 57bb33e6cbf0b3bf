"""The audit for an organization's admins: the newest entries in names that they know, and whether the chain holds."""

from jobs.authorize import authorize
from jobs.desk import Desk
from storage.facts.audit import AuditEntry, AuditPage
from storage.facts.people import Action, Actor
from storage.records import audit, members, sources
from storage.sessions import Session


class AuditService:
    """Shows the audit of the actor's own organization."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def newest(self, actor: Actor, limit: int = 20) -> AuditPage:
        """Return the newest entries, newest first; every entry of the chain is checked for it."""
        admin = authorize(actor, Action.SEE_AUDIT)
        return await self._desk.read(lambda session: _page(session, admin.organization_id, limit))


def _page(session: Session, organization_id: str, limit: int) -> AuditPage:
    names = {member.id: member.name for member in members.ever(session, organization_id)}
    names |= {source.id: source.label for source in sources.connections_of(session, organization_id)}
    entries = tuple(
        AuditEntry(
            sequence=row.sequence,
            at=row.at,
            actor=names.get(row.actor, row.actor.replace("support:", "support: ")),
            action=row.action,
            subject=names.get(row.object_id, row.object_id),
            detail=row.detail,
        )
        for row in audit.newest(session, organization_id, limit)
    )
    broken = tuple(audit.broken_entries(session, organization_id))
    return AuditPage(entries, audit.entries(session, organization_id), broken)
