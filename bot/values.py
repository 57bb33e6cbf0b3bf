"""What our buttons carry: ids only, looked up again at click time within the clicker's own organization."""

import json
from dataclasses import dataclass
from datetime import date

from bot.asking.facts import Intent
from bot.payloads import MalformedError, parse_json
from jobs.errors import NotFoundError
from jobs.refresh.ask import Scope
from jobs.refresh.rereading import Wanted
from storage.facts.feedback import Given
from storage.facts.ids import new_id
from storage.facts.shared import Answer, Shareable

#: More sources than this do not fit into a button (2,000 characters).
MOST_SOURCES = 50
_MOST_ID = 100
_MOST_WORDS = 400


@dataclass(frozen=True, slots=True)
class CardValue:
    """What a confirm card asks for. The card has an id, so that two clicks on the same card are one request."""

    card: str
    scope: Scope


def new_card() -> str:
    """Return the id of a card that is about to be shown."""
    return new_id("card")


def pack(card: str, scope: Scope) -> str:
    """Return the value of a button for that scope."""
    packed: dict[str, object] = {"c": card, "s": "all" if scope.everything else list(scope.source_ids)}
    if scope.only_stale:
        packed["o"] = 1
    return json.dumps(packed, separators=(",", ":"))


def pack_shared(card: str, wanted: Answer) -> str:
    """Return the value of the button that shares an answer."""
    packed: dict[str, object] = {"c": card, "k": wanted.kind.value, "s": list(wanted.source_ids) or "all"}
    return json.dumps(packed | ({"m": wanted.metric_id} if wanted.metric_id else {}), separators=(",", ":"))


def unpack_shared(value: str) -> tuple[str, Answer]:
    """Return card and answer; NotFoundError for a value that is not of our making."""
    asked = unpack(value)
    packed = parse_json(value)
    kind, metric_id = packed.get("k", Shareable.STATUS.value), packed.get("m", "")
    known = {one.value for one in Shareable}
    if not isinstance(kind, str) or kind not in known or not isinstance(metric_id, str) or len(metric_id) > _MOST_ID:
        raise NotFoundError
    return asked.card, Answer(Shareable(kind), asked.scope.source_ids, metric_id)


def pack_given(given: Given) -> str:
    """Return the value of the thumbs below an answer."""
    packed = {"a": given.id, "k": list(given.kinds), "s": list(given.source_ids)}
    return json.dumps(packed, separators=(",", ":"))


def unpack_given(value: str) -> str | Given:
    """Return the refresh, by its id, or the answer that thumbs are about; NotFoundError for what we did not make."""
    if not value.startswith("{"):
        return value
    try:
        packed = parse_json(value)
    except MalformedError:
        raise NotFoundError from None
    key, kinds, ids = packed.get("a"), packed.get("k"), packed.get("s")
    known = {one.value for one in Intent}
    if not isinstance(key, str) or not key.startswith("ans_") or not key.isascii() or len(key) > _MOST_ID:
        raise NotFoundError
    if not isinstance(kinds, list) or not isinstance(ids, list) or len(kinds) > len(known) or len(ids) > MOST_SOURCES:
        raise NotFoundError
    if not kinds or any(kind not in known for kind in kinds) or not all(isinstance(one, str) for one in ids):
        raise NotFoundError
    return Given(key, tuple(kinds), tuple(ids))


def pack_held(card: str, run_id: str) -> str:
    """Return the value of the button that lets a held read through."""
    return json.dumps({"c": card, "r": run_id}, separators=(",", ":"))


def unpack_held(value: str) -> tuple[str, str]:
    """Return card and run; NotFoundError for a value that is not of our making."""
    try:
        packed = parse_json(value)
    except MalformedError:
        raise NotFoundError from None
    found = packed.get("c"), packed.get("r")
    card, run_id = (one if isinstance(one, str) and one.isascii() and len(one) <= _MOST_ID else "" for one in found)
    if not card or not run_id:
        raise NotFoundError
    return card, run_id


@dataclass(frozen=True, slots=True)
class ScheduleValue:
    """What the card of a schedule asks for, and the version of the schedule that it was shown beside."""

    card: str
    source_id: str
    words: str
    seen: int


def pack_schedule(card: str, source_id: str, words: str, seen: int) -> str:
    """Return the value of the button that saves a schedule."""
    return json.dumps({"c": card, "s": source_id, "p": words, "v": seen}, separators=(",", ":"))


def unpack_schedule(value: str) -> ScheduleValue:
    """Return what the button carries; NotFoundError for a value that is not of our making."""
    try:
        packed = parse_json(value)
    except MalformedError:
        raise NotFoundError from None
    found = packed.get("c"), packed.get("s"), packed.get("p")
    texts = [one for one in found if isinstance(one, str) and one and one.isascii() and len(one) <= _MOST_ID]
    seen = packed.get("v")
    if len(texts) != len(found) or not isinstance(seen, int) or isinstance(seen, bool):
        raise NotFoundError
    card, source_id, words = texts
    return ScheduleValue(card, source_id, words, seen)


def pack_promise(card: str, source_id: str, words: str, seen: int) -> str:
    """Return the value of the button that saves a promise; `words` as they were typed: Slack takes 2,000 characters."""
    said = {"c": card, "s": source_id, "m": words, "v": seen}
    return json.dumps(said, separators=(",", ":"), ensure_ascii=False)


def unpack_promise(value: str) -> ScheduleValue:
    """Return what the button carries; NotFoundError for a value that is not of our making."""
    try:
        packed = parse_json(value)
    except MalformedError:
        raise NotFoundError from None
    card, source_id, words, seen = (packed.get(name) for name in ("c", "s", "m", "v"))
    texts = [one for one in (card, source_id) if isinstance(one, str) and one and len(one) <= _MOST_ID]
    if len(texts) != 2 or not isinstance(words, str) or len(words) > _MOST_WORDS or type(seen) is not int:
        raise NotFoundError
    return ScheduleValue(texts[0], texts[1], words, seen)


def pack_reread(card: str, wanted: Wanted) -> str:
    """Return the value of the button that starts a re-read."""
    since = wanted.since.isoformat() if wanted.since else ""
    return json.dumps({"c": card, "s": wanted.source_id, "t": wanted.stream, "d": since}, separators=(",", ":"))


def unpack_reread(value: str) -> tuple[str, Wanted]:
    """Return the card, and what is to be read; NotFoundError for a value that is not of our making."""
    try:
        packed = parse_json(value)
        found = [packed.get(name) for name in ("c", "s", "t", "d")]
        card, source_id, stream, since = (one for one in found if isinstance(one, str) and len(one) <= _MOST_ID)
        wanted = Wanted(source_id, stream, date.fromisoformat(since) if since else None)
    except (MalformedError, ValueError):
        raise NotFoundError from None
    if not card or not source_id:
        raise NotFoundError
    return card, wanted


@dataclass(frozen=True, slots=True)
class PartingValue:
    """What the form of a disconnect carries: the source, and the state of it that was shown."""

    source_id: str
    mark: str
    only_data: bool


def pack_parting(source_id: str, mark: str, *, only_data: bool) -> str:
    """Return what the form of a disconnect carries."""
    packed: dict[str, object] = {"s": source_id, "m": mark}
    if only_data:
        packed["d"] = 1
    return json.dumps(packed, separators=(",", ":"))


def unpack_parting(value: str) -> PartingValue:
    """Return what the form carries; NotFoundError for a value that is not of our making."""
    try:
        packed = parse_json(value)
    except MalformedError:
        raise NotFoundError from None
    found = packed.get("s"), packed.get("m")
    source_id, mark = (one if isinstance(one, str) and one.isascii() and len(one) <= _MOST_ID else "" for one in found)
    if not source_id or not mark:
        raise NotFoundError
    return PartingValue(source_id, mark, packed.get("d") == 1)


def unpack(value: str) -> CardValue:
    """Return what the button carries; NotFoundError for a value that is not of our making."""
    try:
        packed = parse_json(value)
    except MalformedError:
        raise NotFoundError from None
    card, sources = packed.get("c"), packed.get("s")
    if not isinstance(card, str) or not card or len(card) > _MOST_ID or not card.isascii():
        raise NotFoundError
    stale = packed.get("o") == 1
    if sources == "all":
        return CardValue(card, Scope(everything=True, only_stale=stale))
    if not isinstance(sources, list) or not 0 < len(sources) <= MOST_SOURCES:
        raise NotFoundError
    ids = tuple(source for source in sources if isinstance(source, str) and 0 < len(source) <= _MOST_ID)
    if len(ids) != len(sources):
        raise NotFoundError
    return CardValue(card, Scope(everything=False, source_ids=ids, only_stale=stale))
