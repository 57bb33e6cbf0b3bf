"""How a language says times: one pattern, put together from its words."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

_ISO = r"(?P<iso>\d{4}-\d{2}-\d{2})"
_HOUR = r"(?P<h@>\d{1,2})(?P<m@>:\d{2})?(?: ?(?P<ap@>[ap]m))?"


@dataclass(frozen=True, slots=True)
class TimeWords:
    """The words of a language for times, as patterns and tables."""

    pattern: re.Pattern[str]
    #: two times that are the ends of one, once each is marked
    joined: re.Pattern[str]
    raw: Mapping[str, Any]


def time_words(raw: Mapping[str, Any]) -> TimeWords:
    """Return a language's times, ready to be looked for."""

    def any_of(words: Iterable[str]) -> str:
        return "(?:" + "|".join(sorted((re.escape(str(word)) for word in words), key=len, reverse=True)) + ")"

    parts, months, weekdays = any_of(raw["parts"]), any_of(raw["months"]), any_of(raw["weekdays"])
    this, last, following = any_of(raw["this"]), any_of(raw["last"]), any_of(raw["next"])
    clock = f"(?:{_HOUR}|(?P<named@>{any_of(raw['clocks'])}))"
    day = (
        f"(?:{this} (?P<thispart>{parts})|(?P<today>{any_of(raw['today'])})|(?P<tonight>{any_of(raw['tonight'])})"
        f"|(?P<lastnight>{last} night)|(?P<overnight>{any_of(raw['overnight'])})"
        f"|(?P<yesterday>{any_of(raw['yesterday'])})(?: (?P<ypart>{parts}))?"
        f"|(?P<tomorrow>{any_of(raw['tomorrow'])})(?: (?P<tpart>{parts}))?"
        f"|(?:{last} |{this} )?(?P<weekday>{weekdays})(?: (?P<wpart>{parts}))?"
        f"|{_ISO})"
    )
    zone = f"(?: (?P<zone>{any_of(raw['zones'])}))?"
    sides = (
        f"(?:(?P<after>{any_of(raw['after'])})|(?P<before>{any_of(raw['before'])})|(?P<at>{any_of(raw['at'])})"
        f"|(?P<on>{any_of(raw['on'])}))"
    )
    unit = any_of([*raw["units"], *raw["day_units"]])
    count = rf"(?P<count@>\d{{1,4}}|{any_of(raw['numbers'])}(?= ))"
    ago = f"(?:{_at(count, 1)} ?(?P<unit1>{unit}) {raw['ago']})"
    recent = f"(?:{last} {_at(count, 2)} ?(?P<unit2>{unit}))"
    ends, dated = any_of(raw["weekend"]), any_of(raw["to_date"])
    span = (
        f"(?:(?P<which>{last}|{this}|{following}) (?P<span>{any_of(raw['spans'])})|(?P<todate>{dated})"
        f"|(?:(?P<whichend>{last}|{this}|{following}) )?(?P<weekend>{ends})|(?P<daybefore>{any_of(raw['day_before'])}))"
    )
    ordinal = "(?:st|nd|rd|th)"
    year = r"(?: (?P<@>20\d{2}))?"
    month = (
        rf"(?:(?:the )?(?:(?P<date1>\d{{1,2}}){ordinal}? (?:of )?(?P<datemonth1>{months}){year.replace('@', 'year1')})"
        rf"|(?P<datemonth2>{months}) (?P<date2>\d{{1,2}}){ordinal}?(?: ,)?{year.replace('@', 'year2')}"
        rf"|(?P<month>{months}){year.replace('@', 'year3')}|(?P<quarter>q[1-4]){year.replace('@', 'year4')}"
        rf"|(?P<slash>\d{{1,2}}/\d{{1,2}}(?:/(?:20)?\d{{2}})?)|(?:the )?(?P<nth>\d{{1,2}}){ordinal})"
    )
    between = (
        f"{any_of(raw['between'])} {_at(clock, 3)} {any_of(raw['and'])} {_at(clock, 4)}(?: (?P<day34>{_plain(day)}))?"
    )
    joined = (
        f"(?:{day}(?: {any_of(raw['at'])})? {_at(clock, 5)}"
        f"|{_at(clock, 6)}{zone}(?: {any_of(raw['on'])})?(?: {_again(day)})?)"
    )
    whole = f"(?<![^ ])(?:{between}|(?:{sides} )?(?:{ago}|{recent}|{span}|{month}|{joined}|{_third(day)}))(?![^ ])"
    ends = (
        rf"(?<![^ ])(?:(?P<between>{any_of(raw['between'])}) )?(?P<first>T\d{{1,3}})"
        rf" (?P<and>{any_of(raw['and'])}) (?P<last>T\d{{1,3}})(?![^ ])"
    )
    return TimeWords(re.compile(whole), re.compile(ends), raw)


def _at(pattern: str, number: int) -> str:
    return pattern.replace("@", str(number))


def _plain(pattern: str) -> str:
    return re.sub(r"\?P<\w+>", "?:", pattern)


def _again(pattern: str) -> str:
    return re.sub(r"\?P<(\w+)>", r"?P<\1_b>", pattern)


def _third(pattern: str) -> str:
    return re.sub(r"\?P<(\w+)>", r"?P<\1_c>", pattern)
