"""Questions in plain words: the CPU that reading one costs, and the whole answer of an organization with 200 sources.

What is asked are the sentences that the tests know the meaning of. CPU time of one thread, not of the machine: it says
the same under load. The answer is the status of all 200 sources, from their facts to Slack's blocks; the look at the
database is not in it, which `bench.status` measures with the whole product.
Run: python -m bench.questions [--sources 200]
"""

import argparse
import json
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from zoneinfo import ZoneInfo

import yaml

from bench.figures import Figure, Outcome, at_most, quantile, show
from bot.asking.facts import World
from bot.asking.reading import read
from bot.cli.samples import facts
from storage.facts.sources import Provider, Source
from storage.facts.status import SourceStatus
from templates import notices, slack

SOURCES = 200
READ_MILLISECONDS = 2.0
ANSWER_MILLISECONDS = 150.0
_NOW = datetime(2026, 11, 20, 19, 30, tzinfo=UTC)
_FILE = Path(__file__).parents[1] / "tests" / "questions" / "sentences.yaml"


def _sources(count: int) -> list[Source]:
    made = (facts.source(list(Provider)[number % 4], number=number) for number in range(1, count + 1))
    return [
        replace(one, id=f"src_{at}", label=f"{one.label}-{at}", company=f"Company {at} Trading")
        for at, one in enumerate(made)
    ]


def _sentences() -> list[str]:
    held = yaml.safe_load(_FILE.read_text(encoding="utf-8"))["sentences"]
    return [turn["text"] for entry in held for turn in entry.get("thread", [entry])]


def _cpu(work: Callable[[], object]) -> float:
    began = time.thread_time()
    work()
    return 1000 * (time.thread_time() - began)


def measure(*, quick: bool = False, count: int = SOURCES) -> Outcome:
    """Read every sentence, then answer "is everything fresh?" a few times."""
    sources = _sources(5 if quick else count)
    world = World(tuple(sources), _NOW, ZoneInfo("America/New_York"))
    sentences = _sentences()
    read(sentences[0], world)
    taken = [_cpu(partial(read, asked, world)) for asked in sentences]
    known = [facts.status(source) for source in sources]
    answered = [_cpu(lambda: _answer(world, known)) for _ in range(3 if quick else 20)]
    reading = f"reading one, {len(sources)} sources, median"
    answering = "reading and answering about all sources, median"
    return Outcome(
        [
            at_most("questions", reading, quantile(taken, 0.5), "ms CPU", READ_MILLISECONDS),
            Figure("questions", "  slowest of all sentences", max(taken), "ms CPU"),
            at_most("questions", answering, quantile(answered, 0.5), "ms CPU", ANSWER_MILLISECONDS),
        ],
        [f"{len(sentences)} sentences; CPU time of the thread, without the look at the database."],
    )


def _answer(world: World, known: list[SourceStatus]) -> str:
    read("hi, is everything fresh, please?", world)
    told = notices.status("Temerity Goods", known, world.now, zone=world.zone.key, refresh_value="x")
    return json.dumps(slack.render(told, team_id="T0TEMERITY", zone=world.zone.key))


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--sources", type=int, default=SOURCES)
    show(measure(count=parser.parse_args().sources).figures)
