"""The Messages tab of the app: what it suggests to say there, and what it says that it is doing."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from storage.facts.clock import Clock

#: Slack takes a status away by itself after that time.
_ENDS = timedelta(minutes=2)


@dataclass(frozen=True, slots=True)
class Prompts:
    """What is suggested: the heading, and what is shown and then said."""

    title: str = ""
    prompts: tuple[tuple[str, str], ...] = ()


class Tabs:
    """The tabs of everybody, by their direct message."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._prompts: dict[str, Prompts] = {}
        self._status: dict[tuple[str, str], tuple[str, datetime]] = {}
        #: every status that was set, empty where it was taken back
        self.told: list[str] = []

    def suggest(self, channel: str, prompts: Prompts) -> None:
        """Show these in the place of what was suggested before."""
        self._prompts[channel] = prompts

    def prompts(self, channel: str) -> Prompts:
        """Return what is suggested."""
        return self._prompts.get(channel, Prompts())

    def say(self, channel: str, thread_ts: str, status: str) -> None:
        """Show a status in a thread, or take it back."""
        self.told.append(status)
        self._status.pop((channel, thread_ts), None)
        if status:
            self._status[channel, thread_ts] = (status, self._clock.now() + _ENDS)

    def answered(self, channel: str, thread_ts: str) -> None:
        """Take the status of a thread back: the app has said something there."""
        self._status.pop((channel, thread_ts), None)

    def status(self, channel: str) -> str:
        """Return the newest status of the channel that has not ended."""
        now = self._clock.now()
        lasting = [text for (place, _), (text, until) in self._status.items() if place == channel and until > now]
        return lasting[-1] if lasting else ""
