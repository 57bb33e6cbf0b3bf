"""A source of which some streams could not be read: which, why, how old they are, and when they are read again."""

from collections.abc import Collection, Sequence
from datetime import datetime

from storage.facts.messages import Button, Buttons, Note, Paragraph, Part, Strong, When
from storage.facts.runs import Missing, Partly, Run, RunState
from storage.facts.sources import Source
from templates import actions
from templates.notices.pieces import Words, instant
from templates.text import label, listed, shorten
from templates.words import for_support, missing_words, short_names

#: Sentences of a connector that one message shows, and the length of each.
_NOTES, _LONGEST = 3, 300


def lacks(run: Run | None) -> Partly | None:
    """Return what is missing in a run that became ready; None where nothing is."""
    return run.partly if run is not None and run.state is RunState.READY else None


def lost(partly: Partly) -> str:
    """Return the names of what is missing: ``Inventory``, ``Bills, Vendors and 3 more``."""
    return listed([one.label for one in partly.missing], most=2)


def as_of(at: datetime | None, partly: Partly | None, empty: str, *, now: datetime | None = None) -> Words:
    """Return a source's as-of, and in the same breath whose it is and how far everything else is."""
    if partly is None:
        return instant(at, empty, now=now)
    if at is None:
        return (f"none for {lost(partly)}, which was never read; all else as of ", *_rest(partly))
    return (When(at, now), f" for {lost(partly)}, which could not be read; all else as of ", *_rest(partly))


def partly_told(source: Source, partly: Partly) -> Words:
    """Return the whole story in a few sentences."""
    others = f"{listed(partly.rest, most=3)} are" if partly.rest else "Everything else is"
    words: Words = (Strong("Partly refreshed."), f" {others} fresh as of ", *_rest(partly), ".")
    for one in partly.missing[:3]:
        words += (f" {label(one.label)} could not be read: {missing_words(one, source)} ", *_stays(one))
    more = len(partly.missing) - 3
    return (*words, f" {more} more could not be read.") if more > 0 else words


def _rest(partly: Partly) -> Words:
    return instant(partly.rest_as_of, "not known")


def _stays(one: Missing) -> Words:
    return ("That data is as of ", When(one.as_of), ".") if one.as_of else ("It was never read.",)


def next_of(partly: Partly) -> Words:
    """Return when what is missing is read again by itself; nothing where nobody can tell."""
    if partly.again_at is None:
        return ()
    again: Words = ("only what is missing is read again, without you; next attempt ", When(partly.again_at))
    return (*again, ". To try it now, press Retry.")


def partly_parts(runs: Sequence[tuple[Source, Run]], *, busy: Collection[str] = ()) -> list[Part]:
    """Return the story of each of the first sources that came only in part, with a button for each.

    None for those in `busy`, by their ids: they are being refreshed.
    """
    found = [(source, run, partly) for source, run in runs if (partly := lacks(run)) is not None]
    names = short_names([source for source, _ in runs])
    parts: list[Part] = []
    for source, _, partly in found[:3]:
        who: Words = (Strong(f"{names[source.id]}: "),) if len(runs) > 1 else ()
        parts.append(Paragraph((*who, *partly_told(source, partly))))
        parts += [Paragraph((Strong("Next: "), *words)) for words in (next_of(partly),) if words]
        parts += [Note((f"If it stays so, give support this: {seen}.",)) for seen in _seen(partly)]
    able = [(run, partly) for source, run, partly in found[:3] if source.id not in busy]
    buttons = tuple(_button(run, partly) for run, partly in able if any(one.streams for one in partly.missing))
    return [*parts, Buttons(buttons)] if buttons else parts


def _seen(partly: Partly) -> list[str]:
    told = "; ".join(seen for one in partly.missing[:3] if (seen := for_support(one)))
    return [shorten(told, _LONGEST)] if told else []


def _button(run: Run, partly: Partly) -> Button:
    return Button(shorten(f"Retry {lost(partly)}", 70), actions.MISSING_RETRY, run.id)


def notes_of(runs: Sequence[tuple[Source, Run]]) -> list[Part]:
    """Return what the connectors said about runs that became ready."""
    told = list(dict.fromkeys(note for _, run in runs if run.state is RunState.READY for note in run.notes))
    parts: list[Part] = [Note((shorten(label(note), _LONGEST),)) for note in told[:_NOTES]]
    return (
        parts
        if len(told) <= _NOTES
        else [*parts, Note((f"… and {len(told) - _NOTES} more remarks; see /data history.",))]
    )
