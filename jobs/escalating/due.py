"""What is to be called next, and what should have been called: from the frozen policy and the book alone."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from storage.facts.policies import Call, CallKind, Policy

#: Between two calls once all steps are done and nobody takes it on; then twice as long each time, up to a day.
AGAIN_AFTER = timedelta(hours=1)
_LONGEST = timedelta(hours=24)
#: A step that is later than that was missed: the sweep looks every second, and a restart takes less.
GRACE = timedelta(minutes=2)


@dataclass(frozen=True, slots=True)
class Due:
    """The next call."""

    at: datetime
    kind: CallKind
    #: steps of the policy that are done together, or the one number of a further call
    numbers: tuple[int, ...]


def following(policy: Policy, since: datetime, book: Sequence[Call]) -> Due:
    """Return the call that comes next unless it ends before; there always is one."""
    made = [call for call in book if call.kind is not CallKind.TAKEN]
    until = in_hand_until(book)
    if until is not None and not any(call.at >= until for call in made):
        # Whoever took it on is left in peace until that ends; then it goes on at once, without waiting for its time.
        return _next(policy, made, until)
    undone = _undone(policy, made)
    if undone:
        return _next(policy, made, since + policy.steps[undone[0]].after)
    again = sum(call.kind is CallKind.AGAIN for call in made)
    wait = min(AGAIN_AFTER * 2 ** min(again, 10), _LONGEST)
    return _next(policy, made, max((call.at for call in made), default=since) + wait)


def in_hand_until(book: Sequence[Call]) -> datetime | None:
    """Return until when whoever took it on last has it, in the past or not; None when nobody ever did."""
    return max((call.due_at for call in book if call.kind is CallKind.TAKEN), default=None)


def missed(policy: Policy, since: datetime, ended: datetime, book: Sequence[Call]) -> list[tuple[str, datetime]]:
    """Return what should have been called before the end and was not: what, and when it was due.

    It does not ask `following`, so that a mistake there is seen here: each step by itself, each acknowledgement by
    itself.
    """
    taken = [call for call in book if call.kind is CallKind.TAKEN]
    made = [call for call in book if call.kind is not CallKind.TAKEN]
    done = {call.number: call.at for call in made if call.kind is CallKind.STEP}
    found = []
    for number, step in enumerate(policy.steps):
        due = since + step.after
        for call in sorted(taken, key=lambda one: one.at):
            due = max(due, call.due_at) if call.at <= due else due
        if number not in done and due + GRACE < ended:
            found.append((f"step {number + 1} ({step.kind.value})", due))
    for call in taken:
        later = [one.at for one in (*made, *taken) if one.at > call.at and one is not call]
        if call.due_at + GRACE < ended and not any(at <= call.due_at + GRACE for at in later if at >= call.due_at):
            found.append((f"the call after {call.name} no longer had it in hand", call.due_at))
    return found


def before_support(policy: Policy, due: Due) -> bool:
    """Whether the company calls its own people then, and support is not called yet."""
    return due.kind is CallKind.STEP and policy.steps[due.numbers[0]].after < policy.first


def rehearsed(policy: Policy, since: datetime, *, again: int) -> list[Due]:
    """Return every call about what never ends and nobody takes on: the steps, and so many further calls to support."""
    made: list[Call] = []
    told: list[Due] = []
    while sum(due.kind is CallKind.AGAIN for due in told) < again:
        due = following(policy, since, made)
        told.append(due)
        made += [Call(due.kind, number, due.at, due.at) for number in due.numbers]
    return told


def _undone(policy: Policy, made: Sequence[Call]) -> list[int]:
    done = {call.number for call in made if call.kind is CallKind.STEP}
    return [number for number in range(len(policy.steps)) if number not in done]


def _next(policy: Policy, made: Sequence[Call], at: datetime) -> Due:
    undone = _undone(policy, made)
    if not undone:
        return Due(at, CallKind.AGAIN, (1 + sum(call.kind is CallKind.AGAIN for call in made),))
    after = policy.steps[undone[0]].after
    return Due(at, CallKind.STEP, tuple(number for number in undone if policy.steps[number].after == after))
