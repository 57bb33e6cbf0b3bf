"""Misbehaviour on request: what a Slack that is ill does to a call."""

from dataclasses import dataclass
from typing import Literal, get_args

Kind = Literal[
    "ratelimited", "server_error", "error", "reset", "hang", "latency", "accept_reset", "accept_hang", "late_accept"
]  # fmt: skip


@dataclass(slots=True)
class Lie:
    """One scripted fault; `method` is an API method, `response_url` or `*`."""

    method: str
    kind: Kind
    #: how many calls it meets; None means all
    times: int | None = 1
    #: calls that pass untouched before
    after: int = 0
    #: only calls that name this channel
    channel: str | None = None
    #: latency, or how late a late_accept is accepted (at most 20 on Slack, as far as was seen)
    seconds: float = 0.0
    retry_after: int = 1
    status: int = 503
    error: str = "internal_error"

    def meets(self, method: str, channel: str | None) -> bool:
        """Whether this call is one that it is for."""
        return self.method in {method, "*"} and self.channel in {None, channel} and self.times != 0


class Lies:
    """The script: the first lie that meets a call is used."""

    def __init__(self) -> None:
        self._script: list[Lie] = []

    def add(self, lie: Lie) -> None:
        """Put a lie at the end of the script."""
        if lie.kind not in get_args(Kind):
            raise ValueError(f"no such lie: {lie.kind} (known: {', '.join(get_args(Kind))})")
        self._script.append(lie)

    def clear(self) -> None:
        """Behave from now on."""
        self._script.clear()

    def take(self, method: str, channel: str | None) -> Lie | None:
        """Return the lie for this call and count it, or None."""
        for lie in self._script:
            if lie.meets(method, channel):
                if lie.after > 0:
                    lie.after -= 1
                    return None
                if lie.times is not None:
                    lie.times -= 1
                return lie
        return None
