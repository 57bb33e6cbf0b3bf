"""Whoever leaves is taken out of the escalation policy, and the admins are told: nobody counts on a call in vain."""

from collections.abc import Mapping
from datetime import datetime

from jobs.deliver.posting import Words
from jobs.notify.kinds import ON_CALL_LEFT
from jobs.notify.notifier import Notifier
from storage.facts.deliveries import Delivery
from storage.facts.messages import Message
from storage.facts.people import Action, Member, SlackIdentity
from storage.facts.policies import Policy, StepKind, policy_text, read_policy
from storage.records import audit, organizations
from storage.sessions import Session
from templates.notices.policy import on_call_left

_SYSTEM = "system"


def taken_out(session: Session, member: Member, now: datetime, notifier: Notifier) -> bool:
    """Take a person who has left out of their organization's policy; under its lock. Return whether they were in it.

    What is under way keeps its policy: whom it calls in vain is made up for when it calls.
    """
    organization_id = member.organization_id
    stored = organizations.escalation_policy(session, organization_id)
    before = read_policy(stored)
    place = f"{member.team_id}/{member.user_id}"
    after = Policy(tuple(step for step in before.steps if step.place != place), before.while_moving)
    if after == before:
        return False
    organizations.set_escalation_policy(session, organization_id, policy_text(after))
    detail: dict[str, object] = {"before": stored, "now": policy_text(after) or "default", "left": member.name}
    audit.record(session, organization_id, _SYSTEM, Action.CHANGE_ESCALATION, organization_id, now, detail)
    notifier.on_call_left(session, member, now)
    return True


def on_call(session: Session) -> list[Member]:
    """Return the members whom some organization's policy calls."""
    found = {}
    for organization_id, text in organizations.escalation_policies(session):
        for step in read_policy(text).steps:
            if step.kind is StepKind.PERSON:
                person = organizations.member_by_identity(session, SlackIdentity(*step.place.split("/")))
                if person is not None and person.organization_id == organization_id:
                    found[person.id] = person
    return list(found.values())


def on_call_words() -> Mapping[str, Words]:
    """Return the words of the kind of delivery that is ours."""

    def told(session: Session, delivery: Delivery, _now: datetime) -> Message:
        left = organizations.member(session, delivery.subject.partition(".")[0])
        steps = read_policy(organizations.escalation_policy(session, left.organization_id)).steps
        return on_call_left(left, steps)

    return {ON_CALL_LEFT: told}
