"""When a post may go: at Slack's own limits, so that nothing is refused and nobody waits for other places.

A channel takes about one post a second, a workspace some hundreds a minute. What would be too early is given its own
instant, in the order in which it came, and is brought back then: it does not knock again and again, and it uses up no
attempt. What goes before everything else (escalations) takes its turn out of order; only Slack's own word holds it.

The turns are those of this process. Where several processes post, what they post together (`jobs.deliver.sharing`) and
Slack's refusals (429) shift them.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from storage.facts.clock import Clock

#: Posts to a channel, and what Slack tolerates at once.
CHANNEL_EVERY, CHANNEL_BURST = 1.0, 3
#: Posts to a workspace: "several hundred a minute".
TEAM_EVERY, TEAM_BURST = 0.25, 60
#: Posts to one workspace at a time: one that does not answer must not take every place of the queue.
AT_ONCE = 4
#: A workspace that holds all its places, or does not answer, is left alone for that long.
BUSY_SECONDS = 1.0
_DEFAULT_PAUSE = 1.0
_REMEMBERED = 20_000
_LONG_AGO = timedelta(minutes=10)
#: a clock that is so much earlier than before was set back
_SET_BACK = timedelta(seconds=5)


@dataclass(slots=True)
class _Line:
    """The turns of a channel or of a workspace."""

    every: timedelta
    burst: int
    #: when the next turn would be if there were no bursts
    next_at: datetime
    #: the same for what really went: whatever is late to its turn must not go together with the next ones
    gone_next_at: datetime
    #: the next turn of those that came late
    late_at: datetime
    #: how far all turns were shifted, ever
    shifted: timedelta = timedelta(0)
    #: Slack said that nothing may go before
    closed_until: datetime | None = None
    #: other processes took the turns before
    taken_until: datetime | None = None

    def turn(self, now: datetime) -> datetime:
        """Give away the next turn."""
        self.next_at = max(self.next_at, now)
        at = max(now, self.next_at - self.every * (self.burst - 1))
        self.next_at += self.every
        return at

    def go(self, now: datetime) -> datetime:
        """Return when it can really go: now, and then it has gone; or a turn soon."""
        free = max(self.gone_next_at, now) - self.every * (self.burst - 1)
        if free <= now:
            self.gone_next_at = max(self.gone_next_at, now) + self.every
            return now
        at = max(free, self.late_at)
        self.late_at = at + self.every
        return at

    def shift(self, now: datetime, by: timedelta) -> None:
        """Let everything that has a turn wait that much longer."""
        self.next_at = max(self.next_at, now) + by
        self.shifted += by

    def close(self, now: datetime, by: timedelta) -> None:
        """Do as Slack says; what it says twice at once counts once."""
        until = now + by
        known = max(self.closed_until or now, now)
        if until > known:
            self.shift(now, until - known)
            self.closed_until = until

    def give_up_turns(self, now: datetime, by: timedelta) -> None:
        """Let other processes have the next turns; what several find out at once counts once."""
        until = now + by
        known = max(self.taken_until or now, now)
        if until > known:
            self.shift(now, until - known)
            self.taken_until = until


@dataclass(slots=True)
class _Turn:
    line: _Line
    at: datetime
    shifted: timedelta
    #: the workspace's turn comes after the channel's
    last: bool

    def due(self) -> datetime:
        return self.at + (self.line.shifted - self.shifted)


@dataclass
class Pacing:
    """Gives deliveries their turns; for one event loop."""

    clock: Clock
    _lines: dict[tuple[str, ...], _Line] = field(default_factory=dict)
    _turns: dict[str, _Turn] = field(default_factory=dict)
    _under_way: dict[str, int] = field(default_factory=dict)
    _seen: datetime | None = None

    def enter(self, delivery_id: str, team_id: str, channel_id: str, *, urgent: bool) -> float:
        """Return 0 when it may go now (`leave` must follow), or after how many seconds to ask again."""
        now = self.clock.now()
        if self._seen is not None and now < self._seen - _SET_BACK:
            # The clock was set back: turns that were given before would come when it is as late again.
            self._lines.clear()
            self._turns.clear()
        self._seen = now
        wait = self._wait(delivery_id, team_id, channel_id, now, urgent=urgent)
        if wait > timedelta(0):
            return wait.total_seconds()
        self._turns.pop(delivery_id, None)
        self._under_way[team_id] = self._under_way.get(team_id, 0) + 1
        return 0.0

    def leave(self, team_id: str) -> None:
        """Note that a post has ended, well or not."""
        left = self._under_way.pop(team_id) - 1
        if left:
            self._under_way[team_id] = left

    def limited(self, delivery_id: str, team_id: str, channel_id: str, after: float | None) -> float:
        """Do as Slack says (429): hold the channel, and the workspace if another channel is held too; return the wait.

        Slack does not say which of its limits it was. Whatever was refused goes first afterwards.
        """
        now, pause = self.clock.now(), timedelta(seconds=after or _DEFAULT_PAUSE)
        channel, team = self._channel(team_id, channel_id, now), self._team(team_id, now)
        others = any(
            key[0] == team_id and key[1:] not in {(), (channel_id,)} and line.closed_until and line.closed_until > now
            for key, line in self._lines.items()
        )
        channel.close(now, pause)
        if others:
            team.close(now, pause)
        self._turns[delivery_id] = _Turn(team, now + pause, team.shifted, last=True)
        return pause.total_seconds()

    def elsewhere(self, delivery_id: str, team_id: str, channel_id: str, after: float) -> float:
        """Wait because other processes took the channel's turns; return how long. It goes first afterwards."""
        now, pause = self.clock.now(), timedelta(seconds=after)
        channel = self._channel(team_id, channel_id, now)
        channel.give_up_turns(now, pause)
        self._turns[delivery_id] = _Turn(channel, now + pause, channel.shifted, last=True)
        return after

    def no_answer(self, team_id: str) -> None:
        """Leave a workspace alone for a moment because it did not answer."""
        now = self.clock.now()
        self._team(team_id, now).shift(now, timedelta(seconds=BUSY_SECONDS))

    def _wait(
        self, delivery_id: str, team_id: str, channel_id: str, now: datetime, *, urgent: bool
    ) -> timedelta:  # fmt: skip
        channel, team = self._channel(team_id, channel_id, now), self._team(team_id, now)
        if urgent:
            closed = max(channel.closed_until or now, team.closed_until or now)
            if closed <= now:
                for line in (channel, team):
                    line.turn(now)
                    line.go(now)
            return closed - now
        mine = self._turns.get(delivery_id)
        if mine is None:
            mine = self._turns[delivery_id] = _Turn(channel, channel.turn(now), channel.shifted, last=False)
        if mine.due() <= now and not mine.last:
            mine = self._turns[delivery_id] = _Turn(team, team.turn(now), team.shifted, last=True)
        if mine.due() > now:
            return mine.due() - now
        if self._under_way.get(team_id, 0) >= AT_ONCE:
            team.shift(now, timedelta(seconds=BUSY_SECONDS))
            return mine.due() - now
        return channel.go(now) - now

    def _channel(self, team_id: str, channel_id: str, now: datetime) -> _Line:
        return self._line((team_id, channel_id), CHANNEL_EVERY, CHANNEL_BURST, now)

    def _team(self, team_id: str, now: datetime) -> _Line:
        return self._line((team_id,), TEAM_EVERY, TEAM_BURST, now)

    def _line(self, key: tuple[str, ...], every: float, burst: int, now: datetime) -> _Line:
        line = self._lines.get(key)
        if line is None:
            if len(self._lines) + len(self._turns) > _REMEMBERED:
                self._forget(now)
            line = self._lines[key] = _Line(timedelta(seconds=every), burst, now, now, now)
        return line

    def _forget(self, now: datetime) -> None:
        """Drop turns of what was settled otherwise, and lines on which nothing waits."""
        self._turns = {one: turn for one, turn in self._turns.items() if turn.due() > now - _LONG_AGO}
        used = {id(turn.line) for turn in self._turns.values()}
        self._lines = {key: line for key, line in self._lines.items() if line.next_at > now or id(line) in used}
