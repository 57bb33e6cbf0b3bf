"""Disconnecting on purpose: what it affects, that it happened, and what became of access and data."""

from collections.abc import Sequence
from datetime import datetime

from storage.facts.dependents import Dependent, DependentKind
from storage.facts.disconnects import GrantEnd
from storage.facts.messages import (
    Button,
    Buttons,
    ButtonStyle,
    Code,
    Facts,
    Heading,
    Message,
    Note,
    Paragraph,
    Part,
    Person,
    Strong,
    When,
)
from storage.facts.sources import ConnectionState, Source
from storage.facts.status import SourceStatus
from templates import actions
from templates.notices.answers import say
from templates.notices.pieces import Words, doing
from templates.notices.standstill import named, noun_of
from templates.text import counted, label, listed
from templates.words import provider_name, source_name, source_title

_MOST = 5
#: What stands still once a source is disconnected, by kind.
_KINDS = {
    DependentKind.SCHEDULE: "Schedule that freezes",
    DependentKind.METRIC: "{noun}s that freeze",
    DependentKind.EXCHANGE: "What stands still",
}
#: Named even where the source has none.
_ALWAYS = frozenset({DependentKind.SCHEDULE})
#: names of one kind that are shown
_SHOWN = 10


def disconnect_card(
    organization: str,
    status: SourceStatus,
    now: datetime,
    *,
    waiting: int = 0,
    only_data: bool = False,
    dependents: Sequence[Dependent] = (),
) -> Message:
    """Return what disconnecting a source affects, with the button that asks for the confirmation."""
    source = status.source
    name, title = provider_name(source.provider), source_title(source)
    frozen = status.last_data_refresh
    reads = source.mode.collects
    stays = _stays(frozen) if reads else _EXCHANGED
    if only_data:
        words: Words = (f"{title} is disconnected already; ", *stays)
        parts: list[Part] = [Heading(f"Erase the data of {title}?"), Paragraph(words)]
    else:
        parts = [Heading(f"Disconnect {title}?"), Facts(_affected(status, now, waiting, dependents))]
        parts.append(Paragraph((Strong("Keep the data: "), *stays)))
    erasing = "Erase the data: " if only_data else "Erase the data too: "
    parts.append(Paragraph((Strong(erasing), _what_erasing_is(name) if reads else _ERASED_EXCHANGE)))
    if not only_data:
        parts.append(Paragraph((_what_happens(source),)))
    verb = "Erase" if only_data else "Disconnect"
    go = Button(f"{verb} …", actions.DISCONNECT_FORM, source.id, ButtonStyle.DANGER)
    parts += [Buttons((go, Button("Leave it", actions.REFRESH_DISMISS)))]
    step = "type its name" if only_data else "choose, and type its name,"
    parts.append(Note((f"Nothing has changed yet. You {step} in the next step.",)))
    return Message(
        f"{label(organization)}: {verb.lower()} {title}? Nothing has changed yet.", tuple(parts), kind="disconnect"
    )


def choose_disconnect(organization: str, sources: Sequence[Source]) -> Message:
    """Return the question which source shall be disconnected."""
    connected = [source for source in sources if source.connection is not ConnectionState.DISCONNECTED]
    listed = (connected or list(sources))[:_MOST]
    if not listed:
        return say(f"{label(organization)} has no sources, so there is nothing to disconnect.")
    buttons = tuple(disconnect_button(source, source_title(source)) for source in listed)
    said = "Which source shall be disconnected?"
    note = Note(("Or name it: ", Code("/data disconnect shopify"), ". Nothing happens before you confirm it."))
    return Message(said, (Paragraph((said,)), Buttons(buttons), note), kind="choose_disconnect")


def disconnect_button(source: Source, text: str = "") -> Button:
    """Return the button that shows what disconnecting the source affects."""
    return Button(text or f"Disconnect {provider_name(source.provider)}", actions.DISCONNECT, source.id)


def disconnected_now(
    source: Source, *, erase: bool, frozen_at: datetime | None, dependents: Sequence[Dependent] = ()
) -> Message:
    """Return the answer to whoever disconnected a source a moment ago."""
    title = source_title(source)
    summary = f"{title} is disconnected."
    parts = (
        Paragraph((Strong(summary), " What was queued or running for it was stopped.")),
        Paragraph((_what_follows(source),)),
        Paragraph(_data(source, erase=erase, frozen_at=frozen_at)),
        *_frozen(dependents),
        Note(("Every admin is told. ", Code(f"/data reconnect {label(source.label)}"), " connects it again.")),
    )
    return Message(summary, parts, kind="disconnected")


def wrong_name(names: Sequence[str]) -> Message:
    """Return what is said where something else than the source's name was typed to confirm."""
    return say(f"Type {' or '.join(label(name) for name in names[:2])}. Nothing was changed.", kind="wrong_name")


def disconnected_told(
    who: Person,
    source: Source,
    *,
    at: datetime,
    erase: bool,
    frozen_at: datetime | None,
    dependents: Sequence[Dependent] = (),
) -> Message:
    """Return what every admin is told when somebody disconnected a source."""
    title = source_title(source)
    parts = (
        Paragraph((who, " disconnected ", Strong(title), ".")),
        Facts((("Source", (label(source.label),)), ("When", (When(at),)))),
        Paragraph(_data(source, erase=erase, frozen_at=frozen_at)),
        *_frozen(dependents),
        Paragraph((_what_follows(source),)),
        Note(
            ("Every admin is told. Unexpected? ", Code(f"/data reconnect {label(source.label)}"), ", and tell support.")
        ),
    )
    return Message(f"{label(who.name)} disconnected {title}.", parts, kind="disconnected")


def disconnect_ended(source: Source, outcome: GrantEnd, *, erased_at: datetime | None) -> Message:
    """Return what every admin is told at the end: the data is gone, or the provider must be told by hand."""
    title = source_title(source)
    parts: list[Part] = []
    if erased_at is not None:
        parts.append(Paragraph(("The data of ", Strong(title), " was erased from the warehouse.")))
        parts.append(Facts((("Source", (label(source.label),)), ("Erased", (When(erased_at),)))))
    if not outcome.done:
        parts.append(Paragraph((Strong("One thing is left for you: "), _by_hand(outcome, source))))
    said = f"The data of {title} was erased." if erased_at else f"{title} is disconnected; one thing is left for you."
    return Message(said, tuple(parts), kind="disconnect_ended")


def _affected(
    status: SourceStatus, now: datetime, waiting: int, dependents: Sequence[Dependent]
) -> tuple[tuple[str, Words], ...]:
    source = status.source
    rows: list[tuple[str, Words]] = [("Account", (label(source.label),))]
    there = (_ALWAYS if source.mode.collects else frozenset()) | {one.kind for one in dependents}
    noun = noun_of(dependents)
    rows += [(words.format(noun=noun), _freezes(kind, status, now, dependents))
             for kind, words in _KINDS.items() if kind in there]  # fmt: skip
    running: Words = ("nothing",)
    if status.active is not None:
        ends = f"; {counted(waiting, 'refresh waits', 'refreshes wait')} for it" if waiting else ""
        running = (*doing(status.active, now), f", is stopped{ends}")
    if not source.mode.collects:
        return tuple(rows)
    rows.append(("Waiting or running", running))
    frozen: Words = (When(status.last_data_refresh, now),) if status.last_data_refresh else ("no data was ever loaded",)
    rows.append(("Its data freezes as of", frozen))
    return tuple(rows)


def _freezes(kind: DependentKind, status: SourceStatus, now: datetime, dependents: Sequence[Dependent]) -> Words:
    """Return what of a kind stands still once the source is disconnected."""
    names = [label(one.name) for one in dependents if one.kind is kind]
    if not names:
        return ("none",)
    if status.source.connection is ConnectionState.DISCONNECTED:
        return (f"{listed(names, most=_SHOWN)}; frozen already",)
    if kind is DependentKind.SCHEDULE and status.next_run_at:
        return (listed(names), ", next ", When(status.next_run_at, now))
    if len(names) > _SHOWN:
        return (f"{counted(len(names), 'in all', 'in all')}: {listed(names, most=_SHOWN)}. All of them: ",
                Code("/data metrics"))  # fmt: skip
    return (listed(names, most=_SHOWN),)


def _frozen(dependents: Sequence[Dependent]) -> tuple[Part, ...]:
    if not dependents:
        return ()
    return (Paragraph((Strong("Frozen with it: "), f"{named(dependents)}. It goes on once it is connected again.")),)


def _stays(frozen: datetime | None) -> Words:
    if frozen is None:
        return ("no data of it was ever loaded.",)
    return ("what is loaded stays importable, as of ", When(frozen), ", and gets older.")


def _what_erasing_is(name: str) -> str:
    return (
        f"everything that was loaded from this {name} account is removed from the warehouse. It cannot be brought "
        "back; only connecting again reads it anew. History and receipts keep their totals, and what changed in detail "
        "before can no longer be looked up, for your other sources either."
    )


#: Of a connection over which files and orders go.
_EXCHANGED: Words = ("what was exchanged so far stays as it is, at both ends, and so does the record of it here.",)
_ERASED_EXCHANGE = (
    "the record of what was exchanged is removed here. It cannot be brought back: were the same orders sent once more "
    "after connecting again, they would be looked up in QuickBooks by their number alone."
)


def _what_happens(source: Source) -> str:
    if not source.mode.collects:
        return (
            "Either way Tidings sends no more files, takes no more orders and forgets passwords and keys within 15 "
            "minutes. Connecting again is possible at any time."
        )
    name = provider_name(source.provider)
    return (
        f"Either way Tidings stops reading, gives its access up at {name} and forgets its own copy of it within 15 "
        "minutes. Connecting again is possible at any time."
    )


def _what_follows(source: Source) -> str:
    if not source.mode.collects:
        return "No more files are sent and no orders taken; passwords and keys are gone here within 15 minutes."
    name = provider_name(source.provider)
    return f"The access is given up at {name} now, and Tidings' own copy of it is gone within 15 minutes."


def _data(source: Source, *, erase: bool, frozen_at: datetime | None) -> Words:
    if erase:
        return ("Its data is being erased; you are told when that is done.",)
    if not source.mode.collects:
        return ("What was exchanged so far stays as it is.",)
    if frozen_at is None:
        return ("No data of it was ever loaded.",)
    return ("Its data is kept: ", *_stays(frozen_at))


def _by_hand(outcome: GrantEnd, source: Source) -> str:
    name = provider_name(source.provider)
    if not source.mode.collects:
        return "only you can end the account of the file server and the user of the database: change their passwords."
    if outcome is GrantEnd.NO_WAY:
        return f"only you can take the access back at {name}: remove Tidings from its connected apps there."
    return (
        f"{name} could not be told that the access ends. Tidings has forgotten it and cannot use it; please remove "
        f"Tidings from the connected apps at {name} as well."
    )


def stopped_because(source: Source) -> Words:
    """Return why a run of a source that somebody disconnected was stopped; nothing for any other one."""
    if not source.on_purpose:
        return ()
    reason = label(source.connection_reason or "it was disconnected").rstrip(".")
    return (f"{source_name(source)} was stopped: {reason}.",)
