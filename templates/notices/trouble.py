"""Sources that are late or fail: one message for all of an organization that came together, until all of it is over."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from storage.facts.incidents import Incident, IncidentKind, Resolution
from storage.facts.messages import Button, Buttons, Code, Facts, Heading, Message, Note, Paragraph, Part, Strong, When
from storage.facts.promises import Severity
from storage.facts.runs import Failure, FailureKind, Run
from storage.facts.sources import CollectMode, Freshness, Source
from templates import times
from templates.notices.pieces import Words, doing, instant, why_buttons
from templates.text import counted, label, listed
from templates.words import failure_words, provider_name, short_names, source_title

#: Sources of which one message tells in full.
_IN_FULL = 8
SEVERITIES = {
    Severity.WORKS: "Works, look later.",
    Severity.BLOCKED: "Blocked, act.",
    Severity.RESUMES: "Will resume by itself.",
}
_NEEDS = frozenset({FailureKind.BROKEN, FailureKind.HELD, FailureKind.PARTIAL})
#: How what was said of a source ended, where it was no recovery.
_ENDED = {
    Resolution.DISCONNECTED_BY_PERSON: "was disconnected on purpose, so nobody is told any more",
    Resolution.ERASED: "was erased, so nobody is told any more",
    Resolution.SUPERSEDED: "is disconnected now; a message of its own says so",
    Resolution.STOPPED_BY_PERSON: "is not watched any more: a person switched that off",
    Resolution.PROMISE_CHANGED: "is in time by the schedule or promise that it has now",
    Resolution.NOT_TOLD: "is in time again",
}


@dataclass(frozen=True, slots=True)
class Troubled:
    """One source of the message, as it stands now."""

    source: Source
    #: what is or was wrong with it, oldest first
    incidents: tuple[Incident, ...]
    freshness: Freshness
    last_data_refresh: datetime | None
    #: the age past which it is late; None where its schedule's times count
    promised: timedelta | None
    active: Run | None = None
    #: of its newest run, where that failed, and how many failed one after the other
    failure: Failure | None = None
    in_row: int = 0
    next_run_at: datetime | None = None
    #: by when a file usually comes, where they are delivered in a rhythm that is known
    next_file_at: datetime | None = None

    @property
    def open(self) -> bool:
        """Whether anything is still wrong."""
        return any(one.resolved_at is None for one in self.incidents)

    @property
    def fails(self) -> bool:
        """Whether its runs fail, as far as that is told."""
        return any(one.kind is IncidentKind.FAILING and one.resolved_at is None for one in self.incidents)


@dataclass(frozen=True, slots=True)
class TroubleFacts:
    """Everything that a message about late and failing sources says."""

    organization: str
    entries: tuple[Troubled, ...]
    admins: tuple[str, ...]
    now: datetime


def severity(entry: Troubled) -> Severity:
    """Return what the state of a source asks of people."""
    if entry.fails and entry.failure is not None and entry.failure.kind in _NEEDS and entry.active is None:
        return Severity.BLOCKED
    if entry.active is not None or entry.next_run_at is not None:
        return Severity.RESUMES
    return Severity.WORKS


def trouble(facts: TroubleFacts, buttons: Sequence[Button] = ()) -> Message:
    """Return the living message; `buttons`: what a person can do about the incident itself."""
    still = [entry for entry in facts.entries if entry.open]
    if not still:
        return _over(facts)
    title = _title(facts, still)
    parts: list[Part] = [Heading(title)]
    if len(facts.entries) == 1:
        parts += _alone(still[0], facts)
    else:
        parts += _together(facts)
    parts.append(Buttons((*buttons, *why_buttons([entry.source for entry in still]))))
    parts.append(Note(("In Slack this message is edited as things change. ", *_checked(facts))))
    return Message(f"{label(facts.organization)}: {title}. {_gist(still)}", tuple(parts), kind="incident")


def trouble_note(facts: TroubleFacts, what: str) -> Message:
    """Return the word in the thread: ``over``, or ``again``."""
    still = [entry for entry in facts.entries if entry.open]
    names = listed([source_title(entry.source) for entry in (still or facts.entries)], most=3)
    if what == "again" and still:
        words = f"{names}: again. If it comes and goes, only the message above changes from here on."
    elif still:
        words = f"{names}: not over yet; see the message above."
    else:
        known = [entry.last_data_refresh for entry in facts.entries if entry.last_data_refresh]
        told: Words = (f"Recovered: {names}.", *((" Data as of ", When(min(known)), ".") if known else ()))
        return Message(f"Recovered: {names}.", (Paragraph(told),), kind="incident")
    return Message(words, (Paragraph((words,)),), kind="incident")


def trouble_joined(facts: TroubleFacts, source_ids: Collection[str], *, in_thread: bool) -> Message:
    """Return the word about sources that joined a message: below it in Slack, or a mail that follows it."""
    joined = [entry for entry in facts.entries if entry.source.id in source_ids and entry.open]
    still = [entry for entry in facts.entries if entry.open]
    if not joined:
        return trouble_note(facts, "over")
    names = short_names([entry.source for entry in facts.entries])
    named = listed([f"{names[entry.source.id]} ({state_words(entry)})" for entry in joined], most=_IN_FULL)
    in_all = f"{counted(len(still), 'source needs', 'sources need')} a look in all"
    if in_thread:
        words = f"Now also: {named}. {in_all}; see the message above."
        return Message(words, (Paragraph((words,)),), kind="incident")
    title = f"{counted(len(joined), 'more source needs', 'more sources need')} a look"
    rows = tuple((names[entry.source.id], _line(entry)) for entry in joined[:_IN_FULL])
    parts: list[Part] = [
        Heading(title),
        Paragraph((f"{in_all}; a message a few minutes ago told of the others. What is loaded stays importable.",)),
        Facts(rows),
    ]
    first = next((step for entry in joined if (step := _step(entry, facts.admins))), None)
    parts += [Paragraph((Strong("Next step: "), *first))] if first else []
    plain = listed([names[entry.source.id] for entry in joined], most=4)
    return Message(f"{label(facts.organization)}: {title}. {plain}.", tuple(parts), kind="incident")


def state_words(entry: Troubled) -> str:
    """Return what is wrong in two or three words: ``late``, ``overdue, and its refreshes fail``."""
    aged = {Freshness.LATE: "late", Freshness.OVERDUE: "overdue"}.get(entry.freshness)
    if not entry.fails:
        return aged or "catching up"
    return f"{aged}, and its refreshes fail" if aged else "still in time, but its refreshes fail"


def _title(facts: TroubleFacts, still: Sequence[Troubled]) -> str:
    if len(facts.entries) > 1:
        over = len(facts.entries) - len(still)
        told = f", {over} of {len(facts.entries)} are in order again" if over else ""
        return f"{counted(len(still), 'source needs', 'sources need')} a look{told}"
    return f"{source_title(still[0].source)} is {state_words(still[0])}"


def _gist(still: Sequence[Troubled]) -> str:
    if len(still) > 1:
        names = short_names([entry.source for entry in still])
        return f"{listed([names[entry.source.id] for entry in still], most=4)}."
    return SEVERITIES[severity(still[0])]


def _alone(entry: Troubled, facts: TroubleFacts) -> list[Part]:
    step = _step(entry, facts.admins)
    began = min(one.opened_at for one in entry.incidents if one.resolved_at is None)
    rows: list[tuple[str, Words]] = [
        ("Last data refresh (data as of)", instant(entry.last_data_refresh, "never")),
        ("Noticed", (When(began),)),
    ]
    if entry.promised is not None:
        rows.append(("Promised", (_promised(entry),)))
    rows.append(("Running now", _ageless(doing(entry.active, facts.now))))
    rows.append(("Next collection", _next(entry)))
    if entry.in_row:
        rows.append(("Failed", (f"{counted(entry.in_row, 'run')} in a row",)))
    times_back = max(one.times for one in entry.incidents)
    if times_back > 1:
        rows.append(("Came back", (f"{counted(times_back - 1, 'time')} since it was first noticed",)))
    return [
        Paragraph((Strong(SEVERITIES[severity(entry)]), " What is loaded stays importable.", *_why(entry, facts))),
        Facts(tuple(rows)),
        *([Paragraph((Strong("Next step: "), *step))] if step else []),
    ]


def _ageless(words: Words) -> Words:
    """Take the ages off: the post lives for days, and would be edited every minute for them alone."""
    return tuple(When(word.at) if isinstance(word, When) else word for word in words)


def _together(facts: TroubleFacts) -> list[Part]:
    names = short_names([entry.source for entry in facts.entries])
    shown = sorted(facts.entries, key=lambda entry: (not entry.open, severity(entry) is not Severity.BLOCKED))
    rows = tuple((names[entry.source.id], _line(entry)) for entry in shown[:_IN_FULL])
    parts: list[Part] = [Paragraph(("What is loaded stays importable.",)), Facts(rows)]
    more = len(shown) - _IN_FULL
    parts += [Note((f"… and {counted(more, 'more source')}; see /data status.",))] if more > 0 else []
    first = next((step for entry in shown if entry.open and (step := _step(entry, facts.admins))), None)
    return [*parts, Paragraph((Strong("Next step: "), *first))] if first else parts


def _line(entry: Troubled) -> Words:
    as_of: Words = ("; data as of ", *instant(entry.last_data_refresh, "never"))
    if not entry.open:
        return (_how_it_ended(entry), *as_of)
    return (Strong(state_words(entry)), f": {SEVERITIES[severity(entry)].rstrip('.').lower()}", *as_of)


def _why(entry: Troubled, facts: TroubleFacts) -> Words:
    if entry.failure is None:
        return ()
    return (f" {failure_words(entry.failure, entry.source, facts.admins).what}",)


def _step(entry: Troubled, admins: Sequence[str]) -> Words:
    source = entry.source
    if severity(entry) is Severity.RESUMES:
        return ()
    if entry.failure is not None and entry.fails:
        return (failure_words(entry.failure, source, admins).next_step,)
    if source.mode is CollectMode.PUSH:
        return (f"look whether {provider_name(source.provider)} sends its files; they are read by themselves.",)
    return ("start a refresh: ", Code(f"/data refresh {label(source.label)}"))


def _next(entry: Troubled) -> Words:
    if entry.next_run_at is not None:
        return (When(entry.next_run_at),)
    if entry.source.mode is not CollectMode.PUSH:
        return ("none planned",)
    usual: Words = ("; one usually comes by ", When(entry.next_file_at)) if entry.next_file_at else ()
    return ("when its next file comes", *usual)


def _promised(entry: Troubled) -> str:
    assert entry.promised is not None
    calendar = entry.source.promise.calendar if entry.source.promise else None
    hours = ", in working hours" if calendar is not None and calendar.opens else ", on working days"
    return f"at most {times.span(entry.promised.total_seconds())} old{hours if calendar else ''}"


def _over(facts: TroubleFacts) -> Message:
    ended = max(one.resolved_at for entry in facts.entries for one in entry.incidents if one.resolved_at is not None)
    began = min(one.opened_at for entry in facts.entries for one in entry.incidents)
    lasted = times.span((ended - began).total_seconds())
    if len(facts.entries) == 1:
        entry = facts.entries[0]
        title = f"{source_title(entry.source)} {_how_it_ended(entry)}"
        rows: tuple[tuple[str, Words], ...] = (("Data as of", instant(entry.last_data_refresh, "never")),)
    else:
        title = f"{counted(len(facts.entries), 'source')} in order again"
        names = short_names([entry.source for entry in facts.entries])
        rows = tuple((names[entry.source.id], _line(entry)) for entry in facts.entries[:_IN_FULL])
    rows += (("Began", (When(began),)), ("Over", (When(ended),)))
    summary = f"{label(facts.organization)}: {title}. It took {lasted}."
    return Message(summary, (Heading(title), Facts(rows)), kind="incident")


def _how_it_ended(entry: Troubled) -> str:
    last = max(entry.incidents, key=lambda one: (one.resolved_at is not None, one.resolved_at or one.opened_at))
    return _ENDED.get(last.resolution or Resolution.RECOVERED, "is fresh again")


def _checked(facts: TroubleFacts) -> Words:
    return ("To change what counts as late: ", Code("/data promise"), ".") if len(facts.entries) == 1 else ()
