"""How somebody's own messages stand, in a line."""

from storage.facts.messages import Button, Buttons, Paragraph, Part, Strong
from storage.facts.own import Own
from storage.facts.quiet import Digest
from templates import actions
from templates.rhythm import zone_name
from templates.text import counted, listed


def own_parts(own: Own) -> tuple[Part, ...]:
    """Return how somebody's own messages stand, in a line, with the way to change them."""
    quiet = own.quiet.quiet
    hours = "no quiet hours"
    if quiet is not None:
        weekends = ", and all Saturday and Sunday" if quiet.weekends else ""
        hours = f"quiet from {quiet.starts:%H:%M} to {quiet.ends:%H:%M}{weekends}"
    digest = digest_when(own.digest, own.quiet.zone)
    daily = f"digest {digest}" if digest else "no digest"
    zone = f" ({zone_name(own.quiet.zone)})" if quiet is not None and not digest else ""
    chosen = counted(len(own.choices.choices), "choice of your own", "choices of your own")
    kinds = chosen if own.choices.choices else "messages as usual"
    line = Paragraph((Strong("Your messages: "), f"{kinds}, {hours}{zone}, {daily}."))
    return line, Buttons((Button("My notifications", actions.NOTIFY_FORM),))


def digest_when(one: Digest | None, zone: str) -> str:
    """Return when and how a digest comes, in words; nothing for none."""
    if one is None:
        return ""
    days = "Monday to Friday" if one.rhythm.weekdays else "every day"
    ways = listed(["Slack" if way == "slack" else "mail" for way in sorted(one.ways, reverse=True)])
    by = f", by {ways}" if one.member_id else ""
    return f"{days} at {one.rhythm.at:%H:%M}, {zone_name(zone)}{by}"
