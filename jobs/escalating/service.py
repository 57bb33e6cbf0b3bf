"""An organization's escalation policy: shown with what it would do today, changed by its admins, audited.

What is under way keeps the policy that it began with.
"""

import re
import zlib
from functools import partial

from jobs.authorize import authorize
from jobs.desk import Desk
from jobs.errors import NotFoundError, TooLateError
from jobs.escalating.due import rehearsed
from jobs.escalating.wishes import PolicyRefusedError, read_wish, wished
from jobs.refresh.ask import TriggerKey
from storage.facts.clock import Clock
from storage.facts.people import Action, Actor, Member, SlackIdentity
from storage.facts.policies import (
    CallKind,
    PlannedCall,
    Policy,
    PolicyStep,
    PolicyView,
    StepKind,
    own_steps,
    policy_text,
    read_policy,
)
from storage.records import audit, escalations, home_views, members, organizations, triggers
from storage.sessions import Session

#: As Slack writes them in a command, in small letters.
_CHANNEL = re.compile(r"<#(?P<id>[cg][a-z0-9]{2,20})\|(?P<name>[^>]{1,80})>", re.ASCII)
_PERSON = re.compile(r"<@(?P<id>[uw][a-z0-9]{2,20})(?:\|[^>]*)?>", re.ASCII)
#: Further calls to support that a preview shows.
_AGAIN = 2


class PolicyService:
    """Shows, previews and changes the policy of the actor's own organization."""

    def __init__(self, desk: Desk, clock: Clock) -> None:
        self._desk = desk
        self._clock = clock

    async def shown(self, actor: Actor) -> PolicyView:
        """Return the policy that holds for what begins now."""
        member = authorize(actor, Action.CHANGE_ESCALATION)
        return await self._desk.read(lambda session: self._view(session, member, _stored(session, member)))

    async def preview(self, actor: Actor, words: str) -> PolicyView | None:
        """Return what the words would make of it; None for words that mean nothing. Changes nothing.

        PolicyRefusedError for what an organization may not decide, and for places that are not its own.
        """
        member = authorize(actor, Action.CHANGE_ESCALATION)

        def work(session: Session) -> PolicyView | None:
            after = _after(session, member, words)
            return None if after is None else self._view(session, member, after)

        return await self._desk.read(work)

    async def change(self, actor: Actor, words: str, seen: int, trigger: TriggerKey) -> PolicyView:
        """Change it as the words say; again with the same trigger changes nothing more.

        TooLateError when it was changed since the preview; PolicyRefusedError as there.
        """
        member = authorize(actor, Action.CHANGE_ESCALATION)

        def work(session: Session) -> PolicyView:
            organizations.lock(session, member.organization_id)
            # The role is read again, in the transaction of its effect.
            again = Actor(actor.identity, organizations.member_by_identity(session, actor.identity))
            authorize(again, Action.CHANGE_ESCALATION, owner=member.organization_id)
            if triggers.first_result(session, trigger.team_id, trigger.trigger_id) is None:
                self._set(session, member, words, seen, trigger)
            return self._view(session, member, _stored(session, member))

        return await self._desk.write(work)

    def _set(self, session: Session, member: Member, words: str, seen: int, trigger: TriggerKey) -> None:
        before = _stored(session, member)
        if _number(before) != seen:
            raise TooLateError("the policy was changed meanwhile; look again with /data escalation")
        after = _after(session, member, words)
        if after is None:
            raise NotFoundError
        now, organization_id = self._clock.now(), member.organization_id
        organizations.set_escalation_policy(session, organization_id, policy_text(after))
        home_views.changed(session, organization_id, now)
        triggers.remember(session, trigger.team_id, trigger.trigger_id, organization_id, now)
        detail: dict[str, object] = {"before": policy_text(before) or "default", "now": policy_text(after) or "default"}
        audit.record(session, organization_id, member.id, Action.CHANGE_ESCALATION, organization_id, now, detail)

    def _view(self, session: Session, member: Member, policy: Policy) -> PolicyView:
        calls = [
            PlannedCall(due.at, tuple(policy.steps[number] for number in due.numbers if due.kind is CallKind.STEP))
            for due in rehearsed(policy, self._clock.now(), again=_AGAIN)
        ]
        organization_id = member.organization_id
        return PolicyView(
            organizations.organization(session, organization_id).name,
            policy,
            tuple(calls),
            frozenset(step for step in own_steps(policy) if not _reaches(session, organization_id, step)),
            escalations.count_open(session, organization_id),
            _number(_stored(session, member)),
        )


def _stored(session: Session, member: Member) -> Policy:
    return read_policy(organizations.escalation_policy(session, member.organization_id))


def _number(policy: Policy) -> int:
    """Return a number that tells policies apart."""
    return zlib.crc32((policy_text(policy) or "default").encode())


def _after(session: Session, member: Member, words: str) -> Policy | None:
    wish = read_wish(words)
    return None if wish is None else wished(_stored(session, member), wish, partial(_find, session, member))


def _find(session: Session, member: Member, kind: StepKind, who: str) -> tuple[str, str]:
    """Return place and name of a channel where Tidings may speak, or of a member; of the admin's own organization."""
    if kind is StepKind.CHANNEL:
        named = _CHANNEL.fullmatch(who)
        place = (member.team_id, named["id"].upper()) if named else None
        if named is None or place not in organizations.allowed_channels(session, member.organization_id):
            raise PolicyRefusedError("channel")
        return f"{member.team_id}/{named['id'].upper()}", f"#{named['name']}"
    asked = _PERSON.fullmatch(who)
    if asked is not None:
        one = organizations.member_by_identity(session, SlackIdentity(member.team_id, asked["id"].upper()))
        found = [one] if one is not None and one.organization_id == member.organization_id else []
    else:
        found = members.by_name(session, member.organization_id, who.removeprefix("@"))
    if len(found) != 1:
        raise PolicyRefusedError("person")
    return f"{found[0].team_id}/{found[0].user_id}", found[0].name


def _reaches(session: Session, organization_id: str, step: PolicyStep) -> bool:
    team_id, there = step.place.split("/")
    if step.kind is StepKind.CHANNEL:
        return (team_id, there) in organizations.allowed_channels(session, organization_id)
    person = organizations.member_by_identity(session, SlackIdentity(team_id, there))
    return person is not None and person.organization_id == organization_id
