"""Our own drawing of Slack's blocks; what it cannot draw it draws red, and says so."""

from sandbox.web.draw.blocks import draw, undrawable
from sandbox.web.draw.context import DrawContext
from sandbox.web.draw.mrkdwn import mrkdwn

__all__ = ["DrawContext", "draw", "mrkdwn", "undrawable"]
