"""The mail stand-in: takes every message, shows it, and can fail at each step of the protocol."""

from sandbox.mail.messages import Mail
from sandbox.mail.sink import MailSink

__all__ = ["Mail", "MailSink"]
