"""What people may say about a schedule, and the one form in which it is kept: pure, no clock and no database.

``every 6 hours``, ``at 07:30`` (every day), ``weekdays at 07:30`` and ``off``, in some spellings; ``default`` is the
provider's own. `words` of a plan reads back as that plan, so that a button can carry it.
"""

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import time

from jobs.errors import RequestError
from storage.facts.schedules import Rhythm, Rule
from storage.facts.sources import CollectMode, Provider, Source

#: minutes: a source is never read more often by the clock
SHORTEST, LONGEST = 5, 24 * 60
_DAY = 24 * 60
#: minutes between collections unless somebody says otherwise; where none is named, an hour
DEFAULTS: Mapping[Provider, int] = {
    Provider.QUICKBOOKS: 60,
    Provider.SHOPIFY: 60,
    Provider.AMAZON: 360,
    Provider.NETSUITE: 1440,
}

_EVERY = re.compile(
    r"every (?:(?P<n>[0-9]{1,5}) ?)?(?P<unit>m|min|mins|minute|minutes|h|hour|hours)|(?P<hourly>hourly)", re.ASCII
)
_DAYS = (
    r"(?P<weekdays>(?:on |every )?(?:weekdays?|(?:business|working) days?)|monday to friday|mon-fri)|daily|every day|"
)
_TIME = r"(?P<h>[0-9]{1,2}):(?P<m>[0-9]{2}) ?(?P<half>am|pm)?|(?P<h12>[0-9]{1,2}) ?(?P<half12>am|pm)"
_AT = re.compile(rf"(?:{_DAYS})(?: ?at)? ?(?:{_TIME})", re.ASCII)


class PlanRefusedError(RequestError):
    """A schedule that a source cannot have; nothing was changed."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        #: short, long, time, push, timer, zone
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Plan:
    """A schedule as it was asked for."""

    #: interval; a day for everything else, so that data older than that counts as late
    minutes: int
    rule: Rule | None = None

    @property
    def words(self) -> str:
        """The plan as it can be typed."""
        return str(self.rule) if self.rule else f"every {self.minutes} minutes"


def default_plan(provider: Provider) -> Plan:
    """Return the schedule that a source has before anybody chooses one."""
    return Plan(DEFAULTS.get(provider, 60))


def read_plan(text: str, provider: Provider) -> Plan | None:
    """Return the schedule that the words mean; None for words that mean none (PlanRefusedError)."""
    words = plain(text)
    if words == "default":
        return default_plan(provider)
    if words == "off":
        return Plan(_DAY, Rule(Rhythm.OFF))
    if every := _EVERY.fullmatch(words):
        return _interval(every)
    if at := _AT.fullmatch(words):
        return Plan(_DAY, Rule(Rhythm.WEEKDAYS if at["weekdays"] else Rhythm.DAILY, _time(at)))
    return None


def check_plan(plan: Plan, source: Source) -> None:
    """Refuse what the source cannot have (PlanRefusedError)."""
    if source.mode is CollectMode.PUSH:
        raise PlanRefusedError("push")
    if source.mode is CollectMode.TIMER and plan.rule is not None and plan.rule.rhythm is Rhythm.OFF:
        # Nothing else collects it: people would wait for data that never comes.
        raise PlanRefusedError("timer")


def split(text: str) -> tuple[str, str]:
    """Return the words that name a source and the words that name a schedule; one of them may be ''."""
    words = plain(text).split()
    for start in range(len(words)):
        if _says_plan(" ".join(words[start:])):
            return " ".join(words[:start]), " ".join(words[start:])
    return " ".join(words), ""


def plain(text: str) -> str:
    """Return the text in small letters with one space between words; colons and dots stay."""
    return " ".join(unicodedata.normalize("NFKC", text[:400]).casefold().split())


def _says_plan(words: str) -> bool:
    return words in {"default", "off"} or bool(_EVERY.fullmatch(words) or _AT.fullmatch(words))


def _interval(every: re.Match[str]) -> Plan:
    count = int(every["n"] or 1)
    minutes = count * 60 if every["hourly"] or every["unit"].startswith("h") else count
    if minutes < SHORTEST:
        raise PlanRefusedError("short")
    if minutes > LONGEST:
        raise PlanRefusedError("long")
    return Plan(minutes)


def _time(at: re.Match[str]) -> time:
    hour, minute = int(at["h"] or at["h12"]), int(at["m"] or 0)
    half = at["half"] or at["half12"]
    if half and not 1 <= hour <= 12:
        raise PlanRefusedError("time")
    if half:
        hour = hour % 12 + (12 if half == "pm" else 0)
    if hour > 23 or minute > 59:
        raise PlanRefusedError("time")
    return time(hour, minute)
