"""The Slack stand-in: workspaces with one app installed, stricter than Slack where a mistake would mislead a person."""

from sandbox.slack.background import Apart, in_thread
from sandbox.slack.courier import Answer
from sandbox.slack.lies import Lie
from sandbox.slack.messages import Message
from sandbox.slack.temerity import temerity_goods
from sandbox.slack.views import View
from sandbox.slack.workspace import SlackWorkspace
from sandbox.slack.world import World

__all__ = ["Answer", "Apart", "Lie", "Message", "SlackWorkspace", "View", "World", "in_thread", "temerity_goods"]
