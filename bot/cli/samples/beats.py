"""The word in the thread while a refresh goes on, in its states."""

from datetime import datetime, timedelta

from storage.facts.beats import Beat, BeatKind
from storage.facts.messages import Message
from storage.facts.status import RefreshStatus
from templates.notices.beat import refresh_beat


def beat_messages(
    going: RefreshStatus, escalated: RefreshStatus, ended: RefreshStatus, now: datetime
) -> dict[str, Message]:
    """Return every word about these refreshes."""
    half = Beat(BeatKind.HALF, timedelta(minutes=6))
    long = Beat(BeatKind.LONG, timedelta(minutes=14, seconds=20))
    hour = Beat(BeatKind.HOUR, timedelta(hours=2))
    support_at = now + timedelta(minutes=59)
    return {
        "beat_half": refresh_beat(going, half, support_at, now),
        "beat_long": refresh_beat(going, long, support_at, now),
        "beat_hour": refresh_beat(going, hour, support_at, now),
        "beat_support_knows": refresh_beat(escalated, hour, now - timedelta(minutes=61), now),
        "beat_over": refresh_beat(ended, long, support_at, now),
    }
