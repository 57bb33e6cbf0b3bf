"""Ten thousand posts at Slack's own limits: on a clock that a list of events moves, against the stand-in's buckets."""

import heapq
import itertools
import math
import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest

from jobs.deliver.pacing import AT_ONCE, Pacing, _Line
from sandbox.slack.rates import Rates
from storage.facts.clock import OffsetClock

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
COUNT = 10_000 if os.environ.get("SOAK") else 500
#: the places of the queue
PLACES = 16
METHOD = "chat.postMessage"


class AtOnce(Pacing):
    """The twin: everything knocks as soon as it can, and again when Slack says so."""

    def enter(self, delivery_id: str, team_id: str, channel_id: str, *, urgent: bool) -> float:
        self._under_way[team_id] = self._under_way.get(team_id, 0) + 1
        return 0.0


class Late(_Line):
    """What is late to its turn goes all the same, together with those whose turn it is."""

    def go(self, now: datetime) -> datetime:
        return now


class NoLook(Pacing):
    """The twin that gives turns and does not look when they are taken."""

    def _line(self, key: tuple[str, ...], every: float, burst: int, now: datetime) -> _Line:
        return self._lines.setdefault(key, Late(timedelta(seconds=every), burst, now, now, now))


@dataclass
class Outbox:
    """Deliveries, the places of the queue, and a Slack with its limits; nothing takes real time."""

    kind: type[Pacing] = Pacing
    #: seconds that a post takes, by workspace
    takes: dict[str, float] = field(default_factory=dict)
    #: what waits is looked at only that often: a queue that is behind
    behind: float = 0.0
    sent: dict[str, float] = field(default_factory=dict)
    refused: Counter[str] = field(default_factory=Counter)
    asked: Counter[str] = field(default_factory=Counter)
    most: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self.at = 0.0
        self.clock = OffsetClock(base=lambda: NOON + timedelta(seconds=self.at))
        self.pacing = self.kind(self.clock)
        self.rates = Rates(now=lambda: self.at)

    def drain(self, work: Sequence[tuple[float, str, str, str, bool]]) -> float:
        """Send everything (since when, id, workspace, channel, urgent); return when the last one went."""
        number = itertools.count()
        later = [(since, next(number), (delivery, team, channel, urgent))
                 for since, delivery, team, channel, urgent in work]  # fmt: skip
        heapq.heapify(later)
        ready: list[tuple[bool, int, tuple[str, str, str, bool]]] = []
        ending: list[tuple[float, str]] = []
        while later or ready or ending:
            while ending and ending[0][0] <= self.at:
                self.pacing.leave(heapq.heappop(ending)[1])
            while later and later[0][0] <= self.at:
                _, order, one = heapq.heappop(later)
                heapq.heappush(ready, (not one[3], order, one))
            while ready and len(ending) < PLACES:
                one = heapq.heappop(ready)[2]
                again = self._try(one, ending)
                if again is not None:
                    at = self.at + again
                    at = math.ceil(at / self.behind) * self.behind if self.behind else at
                    heapq.heappush(later, (at, next(number), one))
            coming = [one[0] for one in later[:1]] + [one[0] for one in ending[:1]]
            self.at = max(self.at, min(coming, default=self.at))
        return max(self.sent.values())

    def _try(self, one: tuple[str, str, str, bool], ending: list[tuple[float, str]]) -> float | None:
        delivery, team, channel, urgent = one
        self.asked[delivery] += 1
        wait = self.pacing.enter(delivery, team, channel, urgent=urgent)
        if wait:
            return wait
        heapq.heappush(ending, (self.at + self.takes.get(team, 0.05), team))
        self.most[team] = max(self.most[team], sum(busy == team for _, busy in ending))
        after = self.rates.take(METHOD, team, channel)
        if after:
            self.refused[delivery] += 1
            return self.pacing.limited(delivery, team, channel, after)
        self.sent[delivery] = self.at
        return None


def to_one_channel(count: int) -> list[tuple[float, str, str, str, bool]]:
    return [(0.0, f"d{number}", "T1", "C1", False) for number in range(count)]


@pytest.mark.parametrize("kind, paced", [(Pacing, True), (AtOnce, False)])
def test_a_channel_takes_one_a_second_and_nothing_is_refused_or_asked_often(kind: type[Pacing], *, paced: bool) -> None:
    outbox = Outbox(kind)
    took = outbox.drain(to_one_channel(COUNT if paced else 60))
    if paced:
        assert took <= COUNT
        assert list(outbox.sent) == [f"d{number}" for number in range(COUNT)]
    assert (sum(outbox.refused.values()) == 0) is paced
    assert (max(outbox.asked.values()) <= 3) is paced


@pytest.mark.parametrize("kind, refused", [(Pacing, False), (NoLook, True)])
def test_what_comes_late_to_its_turn_does_not_go_with_the_others(kind: type[Pacing], *, refused: bool) -> None:
    outbox = Outbox(kind, behind=7.0)
    outbox.drain(to_one_channel(100))
    assert (sum(outbox.refused.values()) > 0) is refused


def test_an_escalation_in_the_middle_goes_at_once_and_other_channels_and_workspaces_do_not_wait() -> None:
    outbox = Outbox()
    others = [(100.0, f"other.{number}", f"T{number % 3 + 1}", f"C{number + 2}", False) for number in range(9)]
    work = [*to_one_channel(COUNT), (100.0, "call", "T1", "C1", True), *others]
    outbox.drain(work)
    assert outbox.sent["call"] <= 102
    assert max(at for delivery, at in outbox.sent.items() if delivery.startswith("other")) <= 101
    assert sum(outbox.refused.values()) <= 2


def test_a_workspace_is_posted_to_at_its_own_limit() -> None:
    outbox = Outbox()
    took = outbox.drain([(0.0, f"d{number}", "T1", f"C{number}", False) for number in range(COUNT)])
    assert took <= COUNT / 4
    assert not outbox.refused
    assert max(outbox.asked.values()) <= 4


def test_a_workspace_that_does_not_answer_leaves_places_to_the_others() -> None:
    outbox = Outbox(takes={"T1": 10.0})
    work = [(0.0, f"slow.{number}", "T1", f"C{number}", False) for number in range(60)]
    work += [(1.0, f"d{number}", f"T{number % 9 + 2}", f"C{number}", False) for number in range(90)]
    outbox.drain(work)
    assert max(at for delivery, at in outbox.sent.items() if delivery.startswith("d")) <= 3
    assert outbox.most["T1"] <= AT_ONCE
    twin = Outbox(AtOnce, takes={"T1": 10.0})
    twin.drain(work)
    assert max(at for delivery, at in twin.sent.items() if delivery.startswith("d")) > 10


def test_what_slack_refuses_holds_its_channel_and_no_other_and_uses_up_nobodys_turn() -> None:
    clock = OffsetClock(base=lambda: NOON)
    pacing = Pacing(clock)
    assert pacing.enter("a", "T1", "C1", urgent=False) == 0
    assert pacing.limited("a", "T1", "C1", 30) == 30
    pacing.leave("T1")
    assert pacing.enter("call", "T1", "C1", urgent=True) == 30
    assert pacing.enter("b", "T1", "C1", urgent=False) >= 28
    assert pacing.enter("c", "T1", "C2", urgent=False) == 0
    pacing.limited("c", "T1", "C2", 20)
    # Two channels at once: it may be the limit of the workspace, so the third one waits too.
    assert pacing.enter("d", "T1", "C3", urgent=True) == 20
    assert pacing.enter("e", "T2", "C1", urgent=False) == 0
    clock.advance(timedelta(seconds=30))
    assert pacing.enter("a", "T1", "C1", urgent=False) <= 20
    assert pacing.enter("call", "T1", "C1", urgent=True) == 0


class Remembers(Pacing):
    """The twin: turns that were given by another clock stand."""

    def enter(self, delivery_id: str, team_id: str, channel_id: str, *, urgent: bool) -> float:
        self._seen = None
        return super().enter(delivery_id, team_id, channel_id, urgent=urgent)


@pytest.mark.parametrize("kind, waits", [(Pacing, False), (Remembers, True)])
def test_a_clock_that_is_set_back_keeps_no_post_waiting(kind: type[Pacing], *, waits: bool) -> None:
    outbox = Outbox(kind)
    outbox.at = 3600.0
    outbox.drain([(3600.0 + number, f"d{number}", "T1", "C1", False) for number in range(20)])
    outbox.at = 0.0
    # The first of a burst may go at once.
    assert (outbox.pacing.enter("after", "T1", "C1", urgent=False) > 3000) is waits
