"""Asking for access to refreshes, and support's decision: each one transaction of request, messages and audit."""

from dataclasses import dataclass
from datetime import datetime

from jobs.access_policy import AccessPolicy, standing_of
from jobs.authorize import authorize, authorize_support
from jobs.desk import Desk
from jobs.errors import NotFoundError, TooLateError
from jobs.notify.kinds import ACCESS_ASKED
from jobs.notify.notifier import Notifier
from jobs.refresh.ask import Scope, TriggerKey
from storage.facts.access import AccessRequest, AccessStanding, AskedAccess
from storage.facts.clock import Clock
from storage.facts.deliveries import Channel, DeliveryState
from storage.facts.people import Action, Actor, Member, SlackIdentity
from storage.records import access, audit, authority, deliveries, organizations, sources, triggers
from storage.sessions import Session

_NAMED = 3


@dataclass(frozen=True, slots=True)
class Wish:
    """What somebody wants to refresh, and where they pressed."""

    scope: Scope
    #: what a button carries that asks for it again
    again: str
    #: ``channel/ts`` of the message with the button, as far as Slack names it
    message: str


@dataclass(frozen=True, slots=True)
class AccessAnswer:
    """What became of asking, and how the organization stands now."""

    asked: AskedAccess
    standing: AccessStanding


class AccessService:
    """Members ask, support decides. One request of an organization is open at a time; who asks meanwhile joins it."""

    def __init__(self, desk: Desk, clock: Clock, notifier: Notifier, policy: AccessPolicy) -> None:
        self._desk = desk
        self._clock = clock
        self._notifier = notifier
        self._policy = policy

    async def ask(self, actor: Actor, wish: Wish, trigger: TriggerKey) -> AccessAnswer:
        """Ask support, or join whoever did; the same click again asks nothing more."""
        authorize(actor, Action.ASK_FOR_ACCESS)
        return await self._desk.write(lambda session: self._ask(session, actor, wish, trigger))

    async def decide(
        self, actor: Actor, request_id: str, trigger: TriggerKey, *, approve: bool, message: str
    ) -> AccessRequest:
        """Approve or decline, once: TooLateError names who did before. The same click again gives what it gave."""
        authorize_support(actor, Action.DECIDE_ACCESS, named_in_post=True)
        return await self._desk.write(
            lambda session: self._decide(session, actor, request_id, trigger, approve=approve, message=message)
        )

    async def change(self, organization_id: str, *, give: bool) -> bool:
        """Give or take access as the operator, without a request; giving answers an open one. False: it was so."""
        return await self._desk.write(lambda session: self._change(session, organization_id, give=give))

    def _change(self, session: Session, organization_id: str, *, give: bool) -> bool:
        now = self._clock.now()
        organizations.lock(session, organization_id)
        if access.allowed(session, organization_id) is give:
            return False
        access.allow(session, organization_id, now if give else None)
        request = access.newest(session, organization_id)
        if give and request is not None and access.settle(session, request.id, None, now, approved=True):
            self._notifier.access_decided(session, request.id, _still_members(session, request), now)
        detail: dict[str, object] = {"decision": "given" if give else "taken away"}
        detail |= authority.news(session, organization_id, [authority.REFRESHES])
        audit.record(session, organization_id, "operator", Action.DECIDE_ACCESS, organization_id, now, detail)
        return True

    def _ask(self, session: Session, actor: Actor, wish: Wish, trigger: TriggerKey) -> AccessAnswer:
        # The role is read again, in the transaction of its effect.
        known = organizations.member_by_identity(session, actor.identity)
        member = authorize(Actor(actor.identity, known), Action.ASK_FOR_ACCESS)
        organizations.lock(session, member.organization_id)
        if self._policy.allows(session, member.organization_id):
            return AccessAnswer(AskedAccess.ALLOWED, standing_of(session, member))
        wanted = _names(session, member, wish.scope)
        replayed = triggers.first_result(session, trigger.team_id, trigger.trigger_id) is not None
        if replayed or (standing_of(session, member).waiting and not self._lost(session, member)):
            return AccessAnswer(AskedAccess.WAITING, standing_of(session, member))
        asked = self._put(session, member, wish, wanted, trigger)
        return AccessAnswer(asked, standing_of(session, member))

    def _put(self, session: Session, member: Member, wish: Wish, wanted: str, trigger: TriggerKey) -> AskedAccess:
        """Open a request or join the open one."""
        now = self._clock.now()
        before = access.newest(session, member.organization_id)
        if before is None or before.settled_at is not None or self._lost(session, member):
            request_id = self._open(session, member, before)
            asked = AskedAccess.NEW
        else:
            request_id, asked = before.id, AskedAccess.JOINED
        access.join(session, request_id, member.id, at=now, wanted=wanted, again=wish.again)
        if asked is AskedAccess.NEW:
            self._notifier.access_asked(session, member.organization_id, request_id, now)
        else:
            self._notifier.wake(session, [request_id], now)
        triggers.remember(session, trigger.team_id, trigger.trigger_id, request_id, now)
        detail: dict[str, object] = {
            "request": request_id,
            "message": wish.message,
            "joined": asked is AskedAccess.JOINED,
            "wanted": wanted,
        }
        audit.record(
            session, member.organization_id, member.id, Action.ASK_FOR_ACCESS, member.organization_id, now, detail
        )
        return asked

    def _open(self, session: Session, member: Member, before: AccessRequest | None) -> str:
        """Begin a request; whoever waited for one that never reached support waits for this one."""
        now = self._clock.now()
        lost = before if before is not None and before.settled_at is None else None
        if lost is not None:
            access.settle(session, lost.id, None, now, approved=None)
        request_id = access.begin(session, member.organization_id, member.id, now)
        for asker in lost.askers if lost is not None else ():
            access.join(session, request_id, asker.member_id, at=asker.at, wanted=asker.wanted, again=asker.again)
        return request_id

    def _lost(self, session: Session, member: Member) -> bool:
        """Whether the open request never reached support: nobody can press a button of a post that is not there."""
        request = access.newest(session, member.organization_id)
        if request is None or request.settled_at is not None:
            return False
        posts = [one for one in deliveries.of_subject(session, request.id) if one.channel is Channel.SLACK]
        return all(one.kind == ACCESS_ASKED and one.state is DeliveryState.FAILED for one in posts)

    def _decide(
        self, session: Session, actor: Actor, request_id: str, trigger: TriggerKey, *, approve: bool, message: str
    ) -> AccessRequest:
        now = self._clock.now()
        found = access.find(session, request_id)
        if found is None:
            raise NotFoundError
        # Who left the support team a moment ago decides nothing any more.
        still = organizations.is_support(session, actor.identity)
        authorize_support(Actor(actor.identity, None, support=still), Action.DECIDE_ACCESS, named_in_post=True)
        organizations.lock(session, found.organization_id)
        if triggers.first_result(session, trigger.team_id, trigger.trigger_id) is not None:
            return found
        name = organizations.support_name(session, actor.identity)
        if not self._settled(session, request_id, name, now, approve=approve):
            raise TooLateError(_decided(access.find(session, request_id)))
        if approve:
            access.allow(session, found.organization_id, now)
        triggers.remember(session, trigger.team_id, trigger.trigger_id, request_id, now)
        detail: dict[str, object] = {
            "request": request_id,
            "decision": "approved" if approve else "declined",
            "message": message,
            "asked by": [asker.name for asker in found.askers],
        }
        if approve:
            detail |= authority.news(session, found.organization_id, [authority.REFRESHES])
        audit.record(
            session, found.organization_id, f"support:{name}", Action.DECIDE_ACCESS, found.organization_id, now, detail
        )
        self._notifier.access_decided(session, request_id, _still_members(session, found), now)
        return access.find(session, request_id) or found

    def _settled(self, session: Session, request_id: str, name: str, now: datetime, *, approve: bool) -> bool:
        return access.settle(session, request_id, name, now, approved=approve)


def _names(session: Session, member: Member, scope: Scope) -> str:
    """Return what is wanted in words; somebody else's source reads like a missing one."""
    if scope.everything:
        return "everything"
    known = {source.id: source.label for source in sources.sources_of(session, member.organization_id)}
    if not set(scope.source_ids) <= known.keys():
        raise NotFoundError
    labels = [known[source_id] for source_id in scope.source_ids]
    more = f" and {len(labels) - _NAMED} more" if len(labels) > _NAMED else ""
    return ", ".join(labels[:_NAMED]) + more


def _decided(request: AccessRequest | None) -> str:
    if request is None or request.approved is None:
        return "The request was asked anew; decide the newer post"
    return f"{request.settled_by or 'The operator'} has {'approved' if request.approved else 'declined'} this already"


def _still_members(session: Session, request: AccessRequest) -> list[Member]:
    """Return who asked and still belongs to the organization."""
    asked = [organizations.member(session, asker.member_id) for asker in request.askers]
    found = [organizations.member_by_identity(session, SlackIdentity(one.team_id, one.user_id)) for one in asked]
    return [member for member in found if member is not None and member.organization_id == request.organization_id]
