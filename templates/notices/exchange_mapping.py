"""The mapping of the exchange: what is an organization's own, its versions, and what a change would do to real rows."""

from collections.abc import Collection, Sequence

from storage.facts.exchange import Pair
from storage.facts.exchange_mapping import (
    MappedColumn,
    MappingLook,
    MappingSaved,
    MappingVersion,
    MappingView,
    PairLook,
    RowLook,
    WishKind,
)
from storage.facts.messages import (
    Button,
    Buttons,
    ButtonStyle,
    Code,
    Heading,
    Inline,
    Message,
    Note,
    Paragraph,
    Part,
    Sign,
    Strong,
    Table,
    When,
)
from storage.facts.people import Action
from templates import actions
from templates.notices.answers import tell
from templates.notices.exchange_words import RECORDS
from templates.notices.pieces import Words
from templates.text import counted, label, number, shorten

#: what is said of a list; the rest is counted
_SAID, _LAST, _VERSIONS = 12, 3, 15
#: records shown of the pair that was looked at, and of each other one; columns of one record
_ROWS, _OTHERS, _COLUMNS = 10, 4, 4
_LONGEST_VALUE, _LONGEST_SAID = 40, 200
ASSUMED = "an assumption, to be confirmed with three real files for each direction before it is relied upon"
_UNSENT = (
    "Nothing is saved yet. Files of every connection to PocketAdvantage are made by it from the next run on; invoices"
    " of nights before are not sent again."
)
_KINDS = {"number": "number", "money": "money, 2 places", "flag": "Y or N", "date": "day", "instant": "time in UTC"}


def mapping_card(view: MappingView, *, may: Collection[Action]) -> Message:
    """Return what the file of a pair is made of, what is the organization's own in it, and what can be done."""
    name, own = RECORDS[view.pair][1], len(view.own)
    what = f"{counted(own, 'difference')} of your own" if own else "as it is pre-built"
    summary = f"{label(view.organization)}: the mapping of {name} is {what}."
    if own:
        summary = f"{label(view.organization)}: the mapping of {name} has {what}."
    prebuilt: Words = (Strong("Pre-built: "), f"{label(view.profile)}, version {view.profile_version}")
    parts: list[Part] = [
        Heading(f"Mapping of {name}"),
        Paragraph((*prebuilt, f": {ASSUMED}." if view.assumption else ".")),
    ]
    if view.broken:
        why = shorten(label(view.broken).rstrip("."), _LONGEST_SAID)
        parts.append(Paragraph((Sign("warning"), " ", Strong("It does not fit, and no file is made: "), f"{why}.")))
    parts += _own(view)
    if view.newer:
        words = f"version {view.newer}. It is not used until an admin takes it; what it would change is shown first."
        parts.append(Paragraph((Strong("A newer pre-built mapping is there: "), words)))
    rows = tuple(
        ((label(column.name),), (shorten(label(column.source), _LONGEST_SAID),), (_written(column),))
        for column in view.columns
    )
    parts.append(Table("Columns", ("Column", "Made from", "Written as"), rows))
    if view.versions:
        lines = tuple(_version(one) for one in view.versions[:_LAST])
        parts.append(Paragraph((Strong("Last changes"),), under=lines))
    buttons = _buttons(view, may)
    if buttons:
        parts.append(Buttons(buttons))
    stays = f"It stays with version {view.profile_version} of what is pre-built until an admin takes a newer one. "
    belongs = f"The mapping belongs to {label(view.organization)}: every connection to PocketAdvantage sends by it. "
    parts.append(Note((belongs, stays, "What an order becomes is fixed.")))
    return Message(summary, tuple(parts), kind="exchange_mapping")


def _own(view: MappingView) -> list[Part]:
    others = ""
    if view.elsewhere:
        others = f"In the other files: {counted(view.elsewhere, 'difference')}."
    if not view.own:
        nothing = f"nothing; each column of {RECORDS[view.pair][1]} is as pre-built."
        return [Paragraph((Strong("Your own: "), nothing, f" {others}" if others else ""))]
    under = (*_lines(view.own), *(((others,),) if others else ()))
    return [Paragraph((Strong("Your own, instead of what is pre-built"),), under=under)]


def _lines(said: Sequence[str]) -> tuple[tuple[Inline, ...], ...]:
    shown: list[tuple[Inline, ...]] = [(f"• {shorten(label(each), _LONGEST_SAID)}",) for each in said[:_SAID]]
    if len(said) > _SAID:
        shown.append((f"and {number(len(said) - _SAID)} more",))
    return tuple(shown)


def _written(column: MappedColumn) -> str:
    said = [_KINDS[column.kind]] if column.kind in _KINDS else ["text"]
    if column.width:
        said.append(f"at most {column.width} characters, {'the rest is cut' if column.cut else 'else refused'}")
    return ", ".join([*said, *(["never blank"] if column.required else [])])


def _version(one: MappingVersion) -> Words:
    by = f" by {label(one.written_by)}" if one.written_by else ""
    did = f", brought back from version {one.restored}" if one.restored else ""
    return (f"Version {one.number}{by}{did}, over pre-built {one.profile_version}, since ", When(one.written_at))


def _buttons(view: MappingView, may: Collection[Action]) -> tuple[Button, ...]:
    found: list[Button] = []
    if Action.CHANGE_EXCHANGE in may:
        found.append(Button("Change", actions.MAPPING_FORM, view.pair_id, ButtonStyle.PRIMARY))
        if view.newer:
            value = f"{view.pair_id} {view.number} {WishKind.PROFILE} {view.newer}"
            found.append(Button(f"Look at version {view.newer}", actions.MAPPING_LOOK, value))
    if len(view.versions) > 1:
        found.append(Button("Earlier versions", actions.MAPPING_VERSIONS, view.pair_id))
    return tuple(found)


def mapping_versions(view: MappingView, *, may: Collection[Action]) -> Message:
    """Return the versions from before, each with the button that shows what it would change."""
    older = [one for one in view.versions if one.number != view.number]
    name = label(view.organization)
    if not older:
        return tell(f"{name}: the mapping has no earlier version.", kind="exchange_mapping")
    parts: list[Part] = [
        Heading("Earlier versions of the mapping"),
        Paragraph((f"In use is version {view.number}. One from before becomes the newest; none is lost.",)),
    ]
    for one in older[:_VERSIONS]:
        value = f"{view.pair_id} {view.number} {WishKind.VERSION} {one.number}"
        button = Button("Look at it", actions.MAPPING_LOOK, value)
        parts.append(Paragraph(_version(one), menu=(button,) if Action.CHANGE_EXCHANGE in may else ()))
    if len(older) > _VERSIONS:
        parts.append(Note((f"{number(len(older) - _VERSIONS)} older ones are kept, too.",)))
    return Message(f"{name}: {counted(len(older), 'earlier version')} of the mapping.", tuple(parts), kind="mapping")


def mapping_look(look: MappingLook, *, value: str) -> Message:
    """Return the card that shows what an earlier or newer version would change; `value` is for its button."""
    wish = look.wish
    back = wish.kind is WishKind.VERSION
    title = f"Bring version {wish.number} back?" if back else f"Take version {wish.number} of what is pre-built?"
    yes = f"Bring version {wish.number} back" if back else f"Take version {wish.number}"
    leave = Button("Leave it", actions.REFRESH_DISMISS)
    buttons = [leave] if look.conflicts else [Button(yes, actions.MAPPING_SET, value, ButtonStyle.PRIMARY), leave]
    parts = (Heading(title), *look_parts(look), Buttons(tuple(buttons)))
    return Message(f"{title} Nothing is saved yet.", parts, kind="exchange_mapping")


def look_parts(look: MappingLook) -> list[Part]:
    """Return what a change would come to: in words, counted, and in real records before and after."""
    if look.conflicts:
        return [
            Paragraph((Sign("warning"), " ", Strong("It cannot be taken yet")), under=_lines(look.conflicts)),
            Paragraph((Strong("Next step: "), "change your own mapping where it rests upon what is not there.")),
        ]
    if not look.differences:
        return [Paragraph(("No file becomes another by it.",)), Note((_UNSENT,))]
    parts: list[Part] = [Paragraph((Strong("What becomes another"),), under=_lines(look.differences))]
    for pair in look.pairs:
        parts += _pair(pair, _ROWS if pair is look.pairs[0] else _OTHERS)
    if not any(pair.records for pair in look.pairs):
        parts.append(Paragraph(("QuickBooks' records are not imported yet, so none can be shown before and after.",)))
    return [*parts, Note((_UNSENT,))]


def _pair(look: PairLook, most: int) -> list[Part]:
    if not look.records:
        return []
    one, many = RECORDS[look.pair]
    first = "the first " if look.some else ""
    counts = [
        f"{number(look.changed)} {'becomes' if look.changed == 1 else 'become'} another",
        *([f"{number(look.lost)} {_is(look.lost)} not sent any more"] if look.lost else []),
        *(
            [f"{number(look.won)} {_is(look.won)} sent that {'was' if look.won == 1 else 'were'} not"]
            if look.won
            else []
        ),
    ]
    head: Words = (
        Strong(f"{look.pair.label}: "),
        f"of {first}{counted(look.records, one, many)}, {', '.join(counts)}.",
    )
    why = [f"{counted(count, one, many)} refused: {reason}" for reason, count in look.reasons]
    parts: list[Part] = [Paragraph(head, under=_lines(why))]
    shown = tuple((_row(row),) for row in look.rows[:most])
    if shown:
        title = f"{counted(len(shown), one, many)} before → after".capitalize()
        parts.append(Paragraph((Strong(title),), under=shown))
    return parts


def _is(count: int) -> str:
    return "is" if count == 1 else "are"


def _row(row: RowLook) -> str:
    key = shorten(label(row.key), _LONGEST_VALUE)
    if row.was or row.now:
        was, now = row.was or "sent", row.now or "sent"
        if was == now:
            return f"{key}: {shorten(label(now), _LONGEST_SAID)}, as before"
        return f"{key}: was {shorten(label(was), _LONGEST_SAID)}; is {shorten(label(now), _LONGEST_SAID)}"
    if not row.changes:
        return f"{key}: as before"
    said = [f"{label(name)} {_value(was)} → {_value(now)}" for name, was, now in row.changes[:_COLUMNS]]
    more = len(row.changes) - _COLUMNS
    rest = [f"and {counted(more, 'more column', 'more columns')}"] if more > 0 else []
    return f"{key}: {'; '.join([*said, *rest])}"


def _value(text: str) -> str:
    return f"“{shorten(label(text), _LONGEST_VALUE)}”" if text.strip() else "blank"


def mapping_saved(saved: MappingSaved) -> Message:
    """Return the answer once it is saved."""
    name = RECORDS[saved.pair][1]
    if not saved.changed:
        return tell("That is the mapping already in use. Nothing was changed.", kind="exchange_mapping")
    summary = f"The mapping is saved as version {saved.number}."
    words: Words = (
        "Files are made by it from the next run on. To see one first: ",
        Code(f"/data exchange {name} dry run"),
    )
    return tell(summary, (*words, "."), kind="exchange_mapping")


def mapping_refused(why: str) -> Message:
    """Return why it was not saved."""
    return tell(f"Nothing was saved: {shorten(label(why).rstrip('.'), _LONGEST_SAID)}.", kind="exchange_mapping")


def mapping_of_orders() -> Message:
    """Return the answer to whoever looks for the mapping of orders."""
    summary = "What an order becomes is fixed: its fields in QuickBooks cannot be mapped."
    names = Code(f"/data exchange {RECORDS[Pair.CUSTOMERS][1]} mapping")
    words: Words = ("Files can, for example with ", names, ". Which column of the view is which: see the guide.")
    return tell(summary, words, kind="exchange_mapping")
