"""What an admin wants changed about the escalation policy, from words; and what no organization may change. Pure.

Support is called by three hours, in its channel and by mail, whatever a company wants: a company may have it called
earlier, and its own people before and after it.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta

from jobs.errors import RequestError
from jobs.plans import plain
from storage.facts.policies import DEFAULT_POLICY, OURS, By, Policy, PolicyStep, StepKind, own_steps

#: Support is called by then at the latest, unless the operator agreed on more.
LATEST = timedelta(hours=3)
#: Nobody in support is called about what may still end by itself.
EARLIEST = timedelta(minutes=30)
#: The organization's own people.
OWN_EARLIEST, OWN_LATEST = timedelta(minutes=15), timedelta(hours=24)
MOST_STEPS = 6
_FIRST_OWN = 2

_SPAN = r"(?:(?P<hours>[0-9]{1,2}) ?(?:h|hours?))?(?: |(?<=h))?(?:(?P<minutes>[0-9]{1,4}) ?(?:m|min|mins|minutes?))?"
_AFTER = re.compile(rf"(?:step 1 |support )?after {_SPAN}", re.ASCII)
_STEP = re.compile(
    r"(?:step (?P<number>[0-9]{1,2}) )?(?P<kind>channel|person) (?P<who>.{1,100}?) "
    rf"after {_SPAN}(?: by (?P<by>slack|mail|e-?mail|both))?",
    re.ASCII,
)
_REMOVE = re.compile(r"remove step (?P<number>[0-9]{1,2})", re.ASCII)

#: Looks up a channel or person of the organization: the place and its name. PolicyRefusedError for anybody else.
Find = Callable[[StepKind, str], tuple[str, str]]


class PolicyRefusedError(RequestError):
    """A policy that an organization cannot have; nothing was changed."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        #: late, early, own, support, number, many, channel, person, way, same
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Wish:
    """One change: back to the default, another time for support, a step that comes or goes."""

    what: str
    #: of a step, as people number them; None: a new one
    number: int | None = None
    after: timedelta = timedelta(0)
    kind: StepKind = StepKind.SUPPORT
    #: as it was typed, in small letters
    who: str = ""
    by: By = By.SLACK


def read_wish(words: str) -> Wish | None:
    """Return what the words want changed; None for words that mean nothing."""
    said = plain(words)
    if said == "default":
        return Wish("default")
    if (asked := _AFTER.fullmatch(said)) and _span(asked):
        return Wish("support", after=_span(asked))
    if asked := _REMOVE.fullmatch(said):
        return Wish("remove", int(asked["number"]))
    if (asked := _STEP.fullmatch(said)) and _span(asked):
        kind = StepKind(asked["kind"])
        number = int(asked["number"]) if asked["number"] else None
        return Wish("step", number, _span(asked), kind, asked["who"], _by(kind, asked["by"]))
    return None


def _span(asked: re.Match[str]) -> timedelta:
    return timedelta(hours=int(asked["hours"] or 0), minutes=int(asked["minutes"] or 0))


def _by(kind: StepKind, said: str | None) -> By:
    if said is not None and kind is StepKind.CHANNEL:
        raise PolicyRefusedError("way")
    return By(said.replace("e-mail", "mail").replace("email", "mail")) if said else By.SLACK


def wished(before: Policy, wish: Wish, find: Find) -> Policy:
    """Return the policy with that change (PolicyRefusedError)."""
    after = _changed(before, wish, find)
    if after == before or len(set(after.steps)) < len(after.steps):
        raise PolicyRefusedError("same")
    check(before, after)
    return after


def _changed(before: Policy, wish: Wish, find: Find) -> Policy:
    if wish.what == "default":
        return DEFAULT_POLICY
    ours, own = [step for step in before.steps if step.kind in OURS], list(own_steps(before))
    if wish.what == "support":
        if wish.after < EARLIEST:
            raise PolicyRefusedError("early")
        ours = [replace(step, after=wish.after) for step in ours]
    elif wish.number is not None and wish.number < _FIRST_OWN:
        raise PolicyRefusedError("support")
    elif wish.what == "remove":
        del own[_place_of(wish, own)]
    else:
        step = _step(wish, find)
        if wish.number is not None and wish.number - _FIRST_OWN < len(own):
            own[wish.number - _FIRST_OWN] = step
        else:
            own.append(step)
    return Policy(tuple(sorted([*ours, *own], key=lambda step: step.after)), before.while_moving)


def check(before: Policy, after: Policy) -> None:
    """Refuse what an organization may not decide; it asks nothing of how the policy came about."""
    was = {step.kind: step.after for step in before.steps if step.kind in OURS}
    now = {step.kind: step.after for step in after.steps if step.kind in OURS}
    if not was.keys() <= now.keys() or not now:
        raise PolicyRefusedError("support")
    if any(at > max(LATEST, was.get(kind, LATEST)) for kind, at in now.items()):
        raise PolicyRefusedError("late")
    own = own_steps(after)
    if len(own) > MOST_STEPS:
        raise PolicyRefusedError("many")
    kept = own_steps(before)
    if any(not OWN_EARLIEST <= step.after <= OWN_LATEST for step in own if step not in kept):
        raise PolicyRefusedError("own")


def _place_of(wish: Wish, own: list[PolicyStep]) -> int:
    place = (wish.number or 0) - _FIRST_OWN
    if not 0 <= place < len(own):
        raise PolicyRefusedError("number")
    return place


def _step(wish: Wish, find: Find) -> PolicyStep:
    place, name = find(wish.kind, wish.who)
    return PolicyStep(wish.after, wish.kind, place, name, wish.by)
