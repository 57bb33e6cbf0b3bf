"""Samples of what is said about who is called when a refresh does not end."""

from dataclasses import replace
from datetime import timedelta

from bot.cli.samples.facts import NOW, ORG
from storage.facts.messages import Message
from storage.facts.people import Member, Role
from storage.facts.policies import DEFAULT_POLICY, By, Course, PlannedCall, Policy, PolicyStep, PolicyView, StepKind
from storage.facts.status import RefreshStatus
from templates import notices
from templates.notices import policy as words

_OPS = PolicyStep(timedelta(minutes=30), StepKind.CHANNEL, "T0TEMERITY/C0OPS", "#ops")
_MARIA = PolicyStep(timedelta(hours=4), StepKind.PERSON, "T0TEMERITY/U0MARIA", "Maria Lopez", By.BOTH)


def policies(late: RefreshStatus) -> dict[str, Message]:
    """Return what is said about the policy, by name; `late` is a refresh that takes long."""
    usual = PolicyView(ORG, DEFAULT_POLICY, (), frozenset(), 0, 1)
    after = timedelta(hours=2)
    ours = tuple(replace(step, after=after) for step in DEFAULT_POLICY.steps)
    chosen = Policy((_OPS, *ours, _MARIA))
    calls = (
        PlannedCall(NOW + _OPS.after, (_OPS,)),
        PlannedCall(NOW + after, ours),
        PlannedCall(NOW + _MARIA.after, (_MARIA,)),
        PlannedCall(NOW + timedelta(hours=5), ()),
        PlannedCall(NOW + timedelta(hours=7), ()),
    )
    view = PolicyView(ORG, chosen, calls, frozenset({_OPS}), 2, 1)
    left = Member("mem_3", "org_1", "T0TEMERITY", "U0MARIA", "Maria Lopez", Role.VIEWER, "UTC", None, False)
    lately = replace(late, requested_at=NOW - timedelta(minutes=30), escalated_at=None)
    early = Course(chosen, (), lately.requested_at + after, ours)
    return {
        "policy": words.policy_shown(usual),
        "policy_own": words.policy_shown(view),
        "policy_preview": words.policy_preview(replace(view, unreachable=frozenset()), "value"),
        "policy_set": words.policy_set(replace(view, running=0)),
        "policy_refused": words.policy_refused("late"),
        "policy_usage": words.policy_usage("sometimes"),
        "on_call_left": words.on_call_left(left, DEFAULT_POLICY.steps),
        "on_call_left_others": words.on_call_left(left, (*DEFAULT_POLICY.steps, _OPS)),
        "escalation_step_early": notices.escalation_step(lately, early, NOW),
    }
