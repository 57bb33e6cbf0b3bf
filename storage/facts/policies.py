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
    #: a person of the company, by DM or mail
    PERSON = "person"


class By(StrEnum):
    """How a person is called."""

    SLACK = "slack"
    MAIL = "mail"
    BOTH = "both"


#: The calls that are the operator's own.
OURS = frozenset({StepKind.SUPPORT, StepKind.EMAIL})


@dataclass(frozen=True, slots=True)
class PolicyStep:
    """One call, so long after the question."""

    after: timedelta
    kind: StepKind
    #: ``team/channel`` or ``team/user``; empty for support, whose places are the operator's
    place: str = ""
    #: how people call the place: ``#finance-leads``, ``Maya Ortiz``
    name: str = ""
    #: of a person; mail goes only to a confirmed address, and without one it is a DM
    by: By = By.SLACK


@dataclass(frozen=True, slots=True)
class Policy:
    """All calls about one refresh, the earliest first; at least one."""

    steps: tuple[PolicyStep, ...]
    #: whether it may take as long as it likes while it moves: its times count from the last movement
    while_moving: bool = False

    @property
    def first(self) -> timedelta:
        """How long after the question support is called."""
        return min((step.after for step in self.steps if step.kind in OURS), default=self.steps[0].after)

    @property
    def earliest(self) -> timedelta:
        """How long after the question anybody is called at all; a company may call its own people before support."""
        return self.steps[0].after

    def together(self) -> "Policy":
        """Return the policy with nobody called before support: for what may take as long as it likes."""
        return replace(self, steps=tuple(replace(step, after=max(step.after, self.first)) for step in self.steps))


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


@dataclass(frozen=True, slots=True)
class PlannedCall:
    """A call about a refresh that would never end and that nobody would take on."""

    at: datetime
    #: none: support is called once more
    steps: tuple[PolicyStep, ...]


@dataclass(frozen=True, slots=True)
class PolicyView:
    """An organization's policy as its admins see it, or as it would be."""

    organization: str
    policy: Policy
    #: of a refresh that begins now
    calls: tuple[PlannedCall, ...]
    #: steps whose channel or person cannot be told now: support or the admins are called instead
    unreachable: frozenset[PolicyStep]
    #: refreshes under way, which keep the policy that they began with
    running: int
    #: a number of the policy that this was shown beside; another one was set meanwhile if it is another
    seen: int

    @property
    def own(self) -> tuple[PolicyStep, ...]:
        """The organization's own steps, which people number from 2: the first is support."""
        return own_steps(self.policy)


def own_steps(policy: Policy) -> tuple[PolicyStep, ...]:
    """Return the steps that call a company's own places, the earliest first."""
    return tuple(step for step in policy.steps if step.kind not in OURS)


def policy_text(policy: Policy) -> str | None:
    """Return the policy as it is stored; None for the default, which is stored nowhere."""
    if policy == DEFAULT_POLICY:
        return None
    steps = [
        {"after": int(step.after.total_seconds() // 60), "kind": step.kind, "place": step.place, "name": step.name}
        | ({} if step.by is By.SLACK else {"by": step.by})
        for step in policy.steps
    ]
    return json.dumps({"moving": policy.while_moving, "steps": steps}, separators=(",", ":"), ensure_ascii=False)


def read_policy(text: str | None) -> Policy:
    """Return the policy that is stored; without a text it is the default."""
    if text is None:
        return DEFAULT_POLICY
    said = json.loads(text)
    steps = tuple(
        PolicyStep(
            timedelta(minutes=step["after"]),
            StepKind(step["kind"]),
            step["place"],
            step["name"],
            By(step.get("by", By.SLACK)),
        )
        for step in said["steps"]
    )
    return Policy(steps, said["moving"])


def while_moving(text: str | None) -> str | None:
    """Return the stored policy for what may take as long as it likes while it moves."""
    return policy_text(replace(read_policy(text), while_moving=True))
