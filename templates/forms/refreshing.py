"""The form that asks what to refresh: a menu that searches the sources, what is not fresh is chosen already."""

from collections.abc import Iterable, Sequence

from storage.facts.messages import Form, Note, Option, Paragraph, Part, Search
from storage.facts.sources import CollectMode, ConnectionState, Freshness
from storage.facts.status import SourceStatus
from templates import actions
from templates.gate import state_words
from templates.notices.status import urgent_first
from templates.text import counted, listed
from templates.words import source_title

_TITLE = "Refresh data"
_NEXT = "Nothing starts yet: the next step shows what will happen, and asks."


def waiting_form() -> Form:
    """Return the form as it opens, at once; a moment later it is filled."""
    return Form(actions.REFRESH_FORM, _TITLE, "", (Paragraph(("One moment, your sources are being looked up.",)),),
                close="Close")  # fmt: skip


def refresh_form(able: Sequence[SourceStatus], found: Sequence[SourceStatus], *, most: int) -> Form:
    """Return the form for these sources; `found` are all, so that what is left out is named."""
    stale = [one for one in able if one.freshness is not Freshness.FRESH]
    menu = Search(
        actions.REFRESH_SOURCES,
        "Which data should be refreshed?",
        tuple(source_option(one) for one in stale[:most]),
        most=most,
        placeholder="Type a name, such as Shopify",
    )
    parts: list[Part] = [Paragraph((_stands(len(stale), len(able), most),))]
    parts += [Note((words,)) for words in _left_out(found)]
    return Form(actions.REFRESH_FORM, _TITLE, "Next", (*parts, Note((_NEXT,))), (menu,))


def able_first(found: Iterable[SourceStatus]) -> list[SourceStatus]:
    """Return what can be refreshed, what needs it most first: not what is disconnected, and not what sends itself."""
    return urgent_first([one for one in found if not _lost(one) and not _sends(one)])


def source_option(one: SourceStatus) -> Option:
    """Return a source as a menu offers it, with how it stands."""
    stands = state_words(one)
    return Option(one.source.id, source_title(one.source), stands[:1].upper() + stands[1:])


def _stands(stale: int, able: int, most: int) -> str:
    if not stale:
        every = "Both" if able == 2 else f"All {able}"
        return f"{every} sources are fresh already. Choose what to refresh all the same."
    told = f"{counted(stale, 'of your sources is', 'of your sources are')} not fresh"
    if stale > most:
        return f"{told}; the {most} that need it most are chosen below: no more can be chosen at once."
    return f"{told}; {'it is' if stale == 1 else 'they are'} chosen below: add or remove what you like."


def _left_out(found: Sequence[SourceStatus]) -> list[str]:
    lost = [source_title(one.source) for one in found if _lost(one)]
    sends = [source_title(one.source) for one in found if _sends(one) and not _lost(one)]
    told = [f"Not offered, because disconnected: {listed(lost, most=3)}."] if lost else []
    return told + ([f"Not offered, because its files come by themselves: {listed(sends, most=3)}."] if sends else [])


def _lost(one: SourceStatus) -> bool:
    return one.source.connection is ConnectionState.DISCONNECTED


def _sends(one: SourceStatus) -> bool:
    return one.source.mode is CollectMode.PUSH
