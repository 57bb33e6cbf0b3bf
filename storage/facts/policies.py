"""Who is called about a refresh that does not end, when, and in which order; and what was done of it."""

import json
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

#: Whoever takes an escalation on has it for that long; then others are called again.
ACKNOWLEDGED_FOR = timedelta(hours=1)


class StepKind(StrEnum):
    """Who is called in a step."""

    #: the living post in the support channel
    SUPPORT = "support"
    #: the support address
    EMAIL = "email"
    #: a channel of the company's own
    CHANNEL = "channel"
    #: a person of the company, by DM
    PERSON = "person"


@dataclass(frozen=True, slots=True)
class PolicyStep:
    """One call, so long after the question."""

    after: timedelta
    kind: StepKind
    #: ``team/channel`` or ``team/user``; empty for support, whose places are the operator's
    place: str = ""
    #: how people call the place: ``#finance-leads``, ``Maya Ortiz``
    name: str = ""


@dataclass(frozen=True, slots=True)
class Policy:
    """All calls about one refresh, the earliest first; at least one."""

    steps: tuple[PolicyStep, ...]
    #: whether it may take as long as it likes while it moves: its times count from the last movement
    while_moving: bool = False

    @property
    def first(self) -> timedelta:
        """How long after the question anybody is called at all."""
        return self.steps[0].after


DEFAULT_POLICY = Policy(
    (PolicyStep(timedelta(hours=3), StepKind.SUPPORT), PolicyStep(timedelta(hours=3), StepKind.EMAIL))
)


class CallKind(StrEnum):
    """What the book of an escalation notes."""

    #: a step of the policy; counted from 0
    STEP = "step"
    #: support was called once more, because nobody took it on or nobody has it any more; counted from 1
    AGAIN = "again"
    #: somebody took it on; counted from 1
    TAKEN = "taken"


@dataclass(frozen=True, slots=True)
class Call:
    """One line of that book."""

    kind: CallKind
    number: int
    #: when it was due; of `TAKEN`: until when it is in hand
    due_at: datetime
    at: datetime
    #: who took it on; empty elsewhere
    name: str = ""
    #: whether the auditor had to do it
    audited: bool = False


@dataclass(frozen=True, slots=True)
class Course:
    """How an escalation goes: what was done, who has it in hand, and what comes next."""

    policy: Policy
    #: the book, oldest first
    calls: tuple[Call, ...]
    #: when the next call comes unless it ends or somebody takes it on
    next_at: datetime
    #: the steps that come then; none: support is called once more
    next_steps: tuple[PolicyStep, ...]

    @property
    def taken(self) -> Call | None:
        """Who took it on last, whether or not they still have it in hand."""
        return next((call for call in reversed(self.calls) if call.kind is CallKind.TAKEN), None)


def policy_text(policy: Policy) -> str | None:
    """Return the policy as it is stored; None for the default, which is stored nowhere."""
    if policy == DEFAULT_POLICY:
        return None
    steps = [
        {"after": int(step.after.total_seconds() // 60), "kind": step.kind, "place": step.place, "name": step.name}
        for step in policy.steps
    ]
    return json.dumps({"moving": policy.while_moving, "steps": steps}, separators=(",", ":"), ensure_ascii=False)


def read_policy(text: str | None) -> Policy:
    """Return the policy that is stored; without a text it is the default."""
    if text is None:
        return DEFAULT_POLICY
    said = json.loads(text)
    steps = tuple(
        PolicyStep(timedelta(minutes=step["after"]), StepKind(step["kind"]), step["place"], step["name"])
        for step in said["steps"]
    )
    return Policy(steps, said["moving"])


def while_moving(text: str | None) -> str | None:
    """Return the stored policy for what may take as long as it likes while it moves."""
    return policy_text(replace(read_policy(text), while_moving=True))
