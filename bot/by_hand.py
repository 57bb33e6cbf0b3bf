"""A wish in plain words to type a metric's value in, “set net income to 5”: refused, and taken for nothing else.

Only what names a metric is one: of this organization, or of those that people speak of. A target and a schedule have
numbers, too.
"""

import re

from bot.asking.language import language
from bot.case import Case
from jobs.errors import NotFoundError
from storage.facts.messages import Message
from templates.notices import metric_changing

_POLITE = (
    r"(?:(?:please|pls|can|could|would|will|you|just|now|hey|hi|ok|tidings|i want to|i need to|let us|let's)[, ]+)*"
)
_AMOUNT = (
    r"(?:[$€£¥]|(?:usd|eur|gbp) )?[-+(]?[$€£¥]?\d[\d.,]{0,20}\)?"
    r" ?(?:k|m|mm|bn|thousand|million|billion|%|percent|dollars?|euros?|pounds?|bucks|[a-z]{3})?"
)
_END = r"(?:,? (?:please|now|manually|by hand))?[.!?]*"
_SET = r"(?:set|change|make|put|override|overwrite|correct|update|adjust|fix|edit|enter|type|record|raise|lower|bump)"
_FORMS = tuple(
    re.compile(f"{_POLITE}{form}{_END}", re.IGNORECASE)
    for form in (
        rf"{_SET} (?P<name>.{{1,120}}?) (?:up to|down to|to be|to|at|as|with|equal to) {_AMOUNT}",
        rf"(?:make|set) (?P<name>.{{1,120}}?) {_AMOUNT}",
        rf"(?:{_SET} )?(?P<name>[^=:]{{1,120}}?) ?(?:=|:=) ?{_AMOUNT}",
        rf"{_SET}(?: in)? {_AMOUNT} (?:in as|in for|for|as|into|in|to) (?P<name>.{{1,120}}?)",
        rf"(?P<name>.{{1,120}}?) (?:should|must|has to|needs to) (?:be|say|read|show) {_AMOUNT}",
    )
)
_BEFORE = re.compile(r"(?:(?:the|our|my|this|value of|number for|metric|goal|objective|kpi) )+", re.IGNORECASE)
#: which period of it: the value of none is typed in
_AFTER = re.compile(r" (?:for|of|in|this|last) (?:\S+ ?){1,4}$", re.IGNORECASE)
_LONGEST = 300
_MENTION = re.compile(r"<@[^<>]{1,100}>[,:]?")


def wanted(said: str) -> list[str]:
    """Return what may be the name of a metric whose value is to be typed in; nothing for other words."""
    plain = " ".join(_MENTION.sub(" ", said).split())
    if len(plain) > _LONGEST or not any(one.isdecimal() for one in plain):
        return []
    found: dict[str, None] = {}
    for form in _FORMS:
        match = form.fullmatch(plain)
        if match is not None:
            whole = match["name"].strip(" '\"“”*_")
            bare = _BEFORE.sub("", whole, count=1) if _BEFORE.match(whole) else whole
            found |= dict.fromkeys(one for one in (whole, bare, _AFTER.sub("", bare)) if one)
    return list(found)


async def refusal(case: Case) -> Message | None:
    """Return that no value is typed in, where that is asked of a metric; None for other words."""
    names = wanted(case.about)
    spoken = language().metrics
    known = any(name.casefold() in spoken for name in names)
    for name in () if known else names:
        try:
            await case.services.metrics.one(case.actor, name)
        except NotFoundError:
            continue
        known = True
        break
    return metric_changing.metric_by_hand(await case.services.making.noun(case.actor)) if known else None
