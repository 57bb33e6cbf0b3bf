"""Times in a sentence: "since yesterday noon", "between 8 and 10", "last month"; in the asker's zone."""

import re
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from bot.asking.facts import Span
from bot.asking.marks import Marks
from bot.asking.time_words import TimeWords

_DAY = timedelta(days=1)
_MONTHS, _LONGEST_MONTH = 12, 31


def mark_times(text: str, known: TimeWords, marks: Marks, now: datetime, zone: ZoneInfo) -> str:
    """Return the text with each time marked."""
    local = now.astimezone(zone)

    def marked(found: re.Match[str]) -> str:
        span = _Reading(found, known.raw, local, zone).span()
        if span is None or found[0] in known.raw["ambiguous"]:
            return found[0]
        # "come in today": the small word may belong to what stands before.
        small = f"{found['on']} " if found["on"] else ""
        return small + marks.put("T", span, found[0].removeprefix(small))

    return _joined(known.pattern.sub(marked, text), known, marks)


def _joined(text: str, known: TimeWords, marks: Marks) -> str:
    """Make one time of "from monday to wednesday" and "between the 3rd and the 5th"."""

    def both(found: re.Match[str]) -> str:
        (first,), (last,) = marks.of("T", found["first"]), marks.of("T", found["last"])
        begins = found["between"] or first.text.partition(" ")[0]
        if begins not in known.raw["between"] or None in (first.start, last.start) or last.start < first.start:
            return found[0]
        words = f"{found['between'] or ''} {first.text} {found['and']} {last.text}".strip()
        return marks.put("T", Span(words, start=first.start, end=last.end), words)

    return known.joined.sub(both, text)


class _Reading:
    """One time that was found in a sentence."""

    def __init__(self, found: re.Match[str], raw: Mapping[str, Any], now: datetime, zone: ZoneInfo) -> None:
        self._found = {name: value for name, value in found.groupdict().items() if value is not None}
        self._text = found[0]
        self._raw = raw
        self._now = now
        self._zone = zone

    def span(self) -> Span | None:
        """Return what it means; None where it is no time after all."""
        ways: tuple[tuple[str, Callable[[], Span | None]], ...] = (
            ("h3", self._between), ("named3", self._between), ("unit1", self._ago), ("unit2", self._recent),
            ("span", lambda: self._sided(*self._period())), ("month", lambda: self._sided(*self._month())),
            ("todate", self._to_date), ("weekend", self._weekend),
            ("daybefore", lambda: self._whole(self._midnight(-2))),
            ("quarter", lambda: self._sided(*self._quarter())), ("date1", self._date), ("date2", self._date),
            ("slash", self._slash), ("nth", self._nth),
            *((f"{kind}{number}", self._clocked) for kind in ("h", "named") for number in (5, 6)),
        )  # fmt: skip
        try:
            return next((way for name, way in ways if name in self._found), self._days)()
        except (ValueError, OverflowError):
            return None

    def _recent(self) -> Span:
        return Span(self._text, start=self._now - self._length("count2", "unit2"))

    def _date(self) -> Span:
        number = "1" if "date1" in self._found else "2"
        month = self._raw["months"][self._found[f"datemonth{number}"]]
        return self._dated(month, int(self._found[f"date{number}"]), self._found.get(f"year{number}"))

    def _dated(self, month: int, day: int, year: str | None) -> Span:
        """Return a day of a year; of none that is named: the last such day."""
        if year is not None:
            return self._whole(datetime(int(year[-2:]) + 2000, month, day, tzinfo=self._zone))
        start = datetime(self._now.year, month, day, tzinfo=self._zone)
        return self._whole(start if start <= self._now else start.replace(year=start.year - 1))

    def _slash(self) -> Span:
        """Month first, as in the United States, but where only the other way there is such a day."""
        first, second, *year = self._found["slash"].split("/")
        month, day = (int(first), int(second)) if int(first) <= _MONTHS else (int(second), int(first))
        return self._dated(month, day, year[0] if year else None)

    def _nth(self) -> Span | None:
        """The last such day of a month."""
        day = int(self._found["nth"])
        if not 1 <= day <= _LONGEST_MONTH:
            return None
        number = self._now.year * 12 + self._now.month - 1 - (day > self._now.day)
        # Of two months in a row one has a day of every number up to 31.
        first = self._first(number)
        later = self._shifted(first, day - 1)
        return self._whole(later if later.month == first.month else self._shifted(self._first(number - 1), day - 1))

    def _whole(self, day: datetime) -> Span:
        return self._sided(day, self._open(self._next_day(day)))

    def _to_date(self) -> Span:
        start, _ = self._steps(self._raw["to_date"][self._found["todate"]], 0)
        return Span(self._text, start=start)

    def _weekend(self) -> Span:
        """The one that began last; the coming one where that is said."""
        which = self._found.get("whichend")
        start = self._shifted(self._midnight(-self._now.weekday()), 5)
        coming = which is not None and which not in self._raw["last"]
        if start > self._now and not coming:
            start = self._shifted(start, -7)
        end = self._shifted(start, 2)
        return self._sided(start, end if coming else self._open(end))

    def _quarter(self) -> tuple[datetime, datetime | None]:
        year = self._found.get("year4")
        number = int(year or self._now.year) * 12 + (int(self._found["quarter"][1]) - 1) * 3
        if year is None and self._first(number) > self._now:
            number -= 12
        return self._first(number), self._open(self._first(number + 3))

    def _open(self, end: datetime) -> datetime | None:
        """Return the end of a time; None while it is not over."""
        return end if end <= self._now else None

    def _midnight(self, days: int = 0) -> datetime:
        day = (self._now + days * _DAY).date()
        return datetime(day.year, day.month, day.day, tzinfo=self._zone)

    def _count(self, name: str) -> float:
        said = self._found[name]
        return float(self._raw["numbers"].get(said) or said)

    def _length(self, count: str, unit: str) -> timedelta:
        seconds = self._raw["units"].get(self._found[unit])
        if seconds is not None:
            return timedelta(seconds=self._count(count) * seconds)
        return timedelta(days=self._count(count) * self._raw["day_units"][self._found[unit]])

    def _ago(self) -> Span:
        if self._found["unit1"] in self._raw["units"]:
            at = self._now - self._length("count1", "unit1")
            return self._sided(at, None) if self._side() else Span(self._text, at=at)
        start = self._midnight(-int(self._length("count1", "unit1").days))
        return self._sided(start, self._next_day(start))

    def _next_day(self, start: datetime) -> datetime:
        later = (start + timedelta(hours=36)).date()
        return datetime(later.year, later.month, later.day, tzinfo=self._zone)

    def _period(self) -> tuple[datetime, datetime | None]:
        which = self._found["which"]
        step = -1 if which in self._raw["last"] else 1 if which in self._raw["next"] else 0
        return self._steps(self._raw["spans"][self._found["span"]], step)

    def _steps(self, kind: str, step: int) -> tuple[datetime, datetime | None]:
        """Return the week, month, quarter or year that is so many from this one."""
        today = self._midnight()
        if kind == "week":
            start = self._midnight(-today.weekday() + 7 * step)
            end = self._shifted(start, 7)
            return start, end if step > 0 else self._open(end)
        length = {"month": 1, "quarter": 3, "year": 12}[kind]
        first = (today.month - 1) // length * length
        number = today.year * 12 + first + step * length
        end = self._first(number + length)
        return self._first(number), end if step > 0 else self._open(end)

    def _first(self, months: int) -> datetime:
        return datetime(months // 12, months % 12 + 1, 1, tzinfo=self._zone)

    def _shifted(self, start: datetime, days: int) -> datetime:
        day = start.date() + timedelta(days=days)
        return datetime(day.year, day.month, day.day, tzinfo=self._zone)

    def _month(self) -> tuple[datetime, datetime]:
        month = self._raw["months"][self._found["month"]] - 1
        year = self._found.get("year3")
        number = int(year or self._now.year) * 12 + month
        if year is None and month >= self._now.month:
            number -= 12
        return self._first(number), self._first(number + 1)

    def _between(self) -> Span:
        day = self._midnight()
        start = self._clock("3", day, latest=True)
        end = self._clock("4", day, latest=True)
        if end is not None and start is not None and end <= start:
            end += timedelta(hours=12)
        return Span(self._text, start=start, end=end)

    def _clocked(self) -> Span | None:
        has = self._found
        number = "5" if "h5" in has or "named5" in has else "6"
        if number == "6" and "h6" in has and not ({"m6", "ap6", "after", "before", "at"} & set(has)):
            return None
        tail = "_b" if number == "6" else ""
        day, part = self._day(tail)
        start = day if day is not None else self._midnight()
        # "by 5" speaks of what comes, "since 9" of what was.
        latest = "before" not in has
        at = self._clock(number, start, latest=latest, part=part, named_day=day is not None)
        if at is None:
            return None
        if "zone" in has:
            named = ZoneInfo(self._raw["zones"][has["zone"]])
            at = at.replace(tzinfo=named).astimezone(self._zone)
        if "after" in has:
            return Span(self._text, start=at)
        if "before" in has:
            return Span(self._text, end=at)
        return Span(self._text, at=at)

    def _clock(
        self, number: str, day: datetime, *, latest: bool, part: tuple[int, int] | None = None, named_day: bool = False
    ) -> datetime | None:
        """Return the hour on a day; without am or pm the nearest one that makes sense."""
        named = self._found.get(f"named{number}")
        if named is not None:
            hour, minute = map(int, self._raw["clocks"][named].split(":"))
            return self._on(day, hour, minute)
        hour, minute = int(self._found[f"h{number}"]), int((self._found.get(f"m{number}") or ":0")[1:])
        half = self._found.get(f"ap{number}")
        if hour > 24 or minute > 59:
            return None
        if half is not None:
            return self._on(day, hour % 12 + (12 if half == "pm" else 0), minute)
        if hour > 12 or hour == 0 or (named_day and part is None):
            return self._on(day, hour, minute)
        choices = [self._on(day, hour % 12, minute), self._on(day, hour % 12 + 12, minute)]
        return self._nearer(choices, part, latest=latest)

    def _nearer(self, choices: list[datetime], part: tuple[int, int] | None, *, latest: bool) -> datetime:
        """Return the hour before or after noon that is meant: that of the part of the day, else the one nearest now."""
        if part is not None:
            return next((at for at in choices if part[0] <= at.hour < part[1]), choices[0])
        if latest:
            return next((at for at in reversed(choices) if at <= self._now), choices[0])
        return next((at for at in choices if at >= self._now), choices[1])

    def _on(self, day: datetime, hour: int, minute: int) -> datetime:
        if hour >= 24:
            return self._next_day(day).replace(hour=hour - 24, minute=minute)
        return day.replace(hour=hour, minute=minute)

    def _day(self, tail: str) -> tuple[datetime | None, tuple[int, int] | None]:
        """Return the beginning of the day that was named, and the hours of the part of it."""
        has, parts = self._found, self._raw["parts"]
        fixed = {
            "thispart": 0,
            "today": 0,
            "tonight": 0,
            "lastnight": -1,
            "overnight": -1,
            "yesterday": -1,
            "tomorrow": 1,
        }
        part: tuple[int, int] | None = None
        for name in ("thispart", "ypart", "wpart", "tpart"):
            if f"{name}{tail}" in has:
                part = (parts[has[f"{name}{tail}"]][0], parts[has[f"{name}{tail}"]][1])
        if any(f"{name}{tail}" in has for name in ("tonight", "lastnight", "overnight")):
            part = (18, 30)
        for name, days in fixed.items():
            if f"{name}{tail}" in has:
                return self._midnight(days), part
        if f"weekday{tail}" in has:
            back = (self._now.weekday() - self._raw["weekdays"][has[f"weekday{tail}"]]) % 7
            return self._midnight(-back), part
        if f"iso{tail}" in has:
            return datetime.fromisoformat(has[f"iso{tail}"]).replace(tzinfo=self._zone), None
        return None, None

    def _days(self) -> Span | None:
        day, part = self._day("_c")
        if day is None:
            return None
        if part is not None:
            end = self._on(day, part[1], 0)
            return self._sided(self._on(day, part[0], 0), end)
        end_of_day = self._next_day(day)
        return self._sided(day, None if end_of_day > self._now >= day else end_of_day)

    def _sided(self, start: datetime, end: datetime | None) -> Span:
        side = self._side()
        if side == "after":
            return Span(self._text, start=start)
        if side == "before":
            return Span(self._text, end=start)
        return Span(self._text, start=start, end=end)

    def _side(self) -> str:
        """Return which side of a whole day, or of a time ago, is meant: "from yesterday" is that day itself."""
        if "after" in self._found and self._found["after"] not in self._raw["on"]:
            return "after"
        return "before" if "before" in self._found else ""
