"""Whether an organization may start refreshes by hand: everybody, or those that support approved.

What nobody starts by hand is never asked: schedules, first reads and catch-ups of connections, webhooks, keep-alive.
"""

from jobs.errors import NoAccessError
from jobs.refresh.ask import Scope
from storage.facts.access import AccessStanding, RefreshAccess
from storage.facts.people import Member
from storage.records import access, organizations
from storage.sessions import Session


class AccessPolicy:
    """The one place that decides; asked where a refresh is offered, and again in the transaction that starts it."""

    def __init__(self, setting: RefreshAccess) -> None:
        self._setting = setting

    def allows(self, session: Session, organization_id: str) -> bool:
        """Whether the organization may start refreshes now."""
        return self._setting is RefreshAccess.OPEN or access.allowed(session, organization_id)

    def require(self, session: Session, member: Member, scope: Scope) -> None:
        """Pass when the member's organization has access; NoAccessError says how it stands."""
        if not self.allows(session, member.organization_id):
            raise NoAccessError(standing_of(session, member), scope)


def standing_of(session: Session, member: Member) -> AccessStanding:
    """Return what was asked and decided so far."""
    name = organizations.organization(session, member.organization_id).name
    request = access.newest(session, member.organization_id)
    open_ = request is not None and request.settled_at is None
    waiting = open_ and request is not None and any(one.member_id == member.id for one in request.askers)
    return AccessStanding(name, request, waiting)
