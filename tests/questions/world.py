"""The fixed world of the sentences, and the judge who compares what was understood with what was meant."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import yaml

from bot.asking.facts import Asked, Intent, Span, Understood, World
from bot.asking.reading import Before, read
from bot.asking.threads import after
from storage.facts.sources import CollectMode, ConnectionState, Provider, Source

FILE = Path(__file__).with_name("sentences.yaml")
#: in the same world: written after the rules were, and kept aside while they were worked on
LATER, HELD = FILE.with_name("later.yaml"), FILE.with_name("held.yaml")
Reader = Callable[[str, World, Before | None], Understood]


@dataclass(frozen=True, slots=True)
class Turn:
    """One sentence, with the turns of its thread before it."""

    name: str
    kind: str
    text: str
    before: tuple[str, ...]
    raw: Mapping[str, Any]


@cache
def file(path: Path | None = None) -> Mapping[str, Any]:
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    found = yaml.load((path or FILE).read_text(encoding="utf-8"), Loader=loader)
    assert isinstance(found, dict)
    return found


@cache
def world() -> World:
    raw = file()["world"]
    now = datetime.fromisoformat(raw["now"])
    people = {one["user"]: one["name"] for one in raw["members"]}
    sources = tuple(_source(at, one, now) for at, one in enumerate(raw["sources"]))
    return World(sources, now, ZoneInfo(raw["timezone"]), people, raw["asker"], raw["organization"], raw["bot_user"])


def _source(at: int, raw: Mapping[str, str], now: datetime) -> Source:
    provider = Provider(raw["provider"])
    mode = {Provider.QUICKBOOKS: CollectMode.TIMER, Provider.NETSUITE: CollectMode.PUSH}.get(provider)
    return Source(
        f"src_{at}", "org_temerity", provider, f"{raw['label']}".removeprefix("quickbooks_"), raw["label"],
        "Temerity Goods", mode or CollectMode.ON_DEMAND, 60, 1, ConnectionState.CONNECTED, None, now - timedelta(days=90),
    )  # fmt: skip


def turns(path: Path | None = None) -> Iterator[Turn]:
    """Every sentence of a file; those of a thread with what was typed before them."""
    for entry in file(path)["sentences"]:
        if "thread" not in entry:
            yield Turn(entry["id"], entry["kind"], entry["text"] * entry.get("repeat", 1), (), entry)
            continue
        said: tuple[str, ...] = ()
        for at, turn in enumerate(entry["thread"], start=1):
            yield Turn(f"{entry['id']}.{at}", entry["kind"], turn["text"], said, turn)
            said = (*said, turn["text"])


def understood(turn: Turn, reader: Reader = read) -> Understood:
    """What the reader makes of a turn, after the turns before it."""
    before: Before | None = None
    for text in turn.before:
        before = after(reader(text, world(), before), before)
    return reader(turn.text, world(), before)


def judged(turn: Turn, reader: Reader = read) -> tuple[bool, str]:
    """Return whether a turn is understood as meant, and what it was understood as."""
    found = understood(turn, reader)
    readings = [turn.raw["expected"], *turn.raw.get("or", ())]
    right = any(_fits(found.asked, reading) for reading in readings)
    if turn.raw.get("offers_action") is False:
        right = right and not found.offers and not _refreshed(found)
    for provider in turn.raw.get("never_refresh", ()):
        right = right and not any(set(_ids([provider])) & set(item.source_ids) for item in _refreshed(found))
    return right, shown(found)


def _refreshed(found: Understood) -> list[Asked]:
    return [item for item in found.asked if item.intent is Intent.REFRESH]


def _fits(asked: Sequence[Asked], reading: Sequence[Mapping[str, Any]]) -> bool:
    return len(asked) == len(reading) and all(map(_item_fits, asked, reading))


def _item_fits(asked: Asked, meant: Mapping[str, Any]) -> bool:
    # What is answered by "I know no such source" or "which one do you mean?" does not answer the question.
    intent = Intent.NOT_UNDERSTOOD if asked.unclear else asked.intent
    if asked.unknown and not meant.get("unknown"):
        intent = Intent.NOT_UNDERSTOOD
    if intent.value != meant["intent"]:
        return False
    if meant["intent"] in ("help", "not_understood"):
        return True
    if meant["intent"] != "metrics" or meant.get("sources"):
        wanted = set(_ids(meant.get("sources", []))) - set(_ids(meant.get("except", [])))
        if "sources" in meant and set(meant_ids(asked)) != wanted:
            return False
    if {name.casefold() for name in meant.get("unknown", [])} != {name.casefold() for name in asked.unknown}:
        return False
    if any(meant.get(key, "").casefold() != (value or "").casefold() for key, value in _texts(asked) if key in meant):
        return False
    return "time" not in meant or _same_time(asked.span, meant["time"])


def _texts(asked: Asked) -> list[tuple[str, str | None]]:
    return [("person", asked.person), ("document", asked.document), ("amount", asked.amount), ("metric", asked.metric)]


def meant_ids(asked: Asked) -> list[str]:
    """Return the ids of all sources that a question is about."""
    if asked.unknown:
        return []
    every = [source.id for source in world().sources] if asked.everything else list(asked.source_ids)
    return [one for one in every if one not in asked.except_ids]


def _ids(names: Sequence[str]) -> list[str]:
    known = world().sources
    return [source.id for source in known for name in names if name in ("all", source.provider.value, source.label)]


def _same_time(span: Span | None, meant: Mapping[str, str]) -> bool:
    if span is None:
        return False
    zone = world().zone
    given = {"from": span.start, "to": span.end, "at": span.at}
    return all(
        value == (datetime.fromisoformat(meant[key]).replace(tzinfo=zone) if key in meant else None)
        for key, value in given.items()
    )


def shown(found: Understood) -> str:
    """Return what was understood, in one line."""
    return "; ".join(map(_shown, found.asked)) + ("" if found.offers else " (offers nothing)")


def _shown(item: Asked) -> str:
    known = {source.id: source for source in world().sources}
    ids = meant_ids(item)
    names = ["all"] if ids and len(ids) == len(known) else [known[one].label for one in ids]
    words = [item.intent.value, ", ".join(names)]
    words += [f"unknown: {', '.join(item.unknown)}"] if item.unknown else []
    words += ["which?"] if item.unclear else []
    words += [f"{key}: {value}" for key, value in _texts(item) if value]
    if item.span is not None:
        times = {"from": item.span.start, "to": item.span.end, "at": item.span.at}
        words += [f"{key} {value:%Y-%m-%d %H:%M}" for key, value in times.items() if value]
    return " ".join(filter(None, words))


def deaf(text: str, where: World, before: Before | None) -> Understood:
    """Read as a twin does that does not hear "not"."""
    heard = " ".join(word for word in text.replace("don't", "").split() if word.casefold() not in _NOT)
    told = read(heard, where, None if before is None else replace(before, declined=False))
    return replace(told, offers=True)


_NOT = frozenset({"not", "no", "never", "without", "stop", "skip", "do", "rather", "than", "hold", "off", "on"})
