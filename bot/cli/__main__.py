"""Runs the command as `python -m bot.cli`, where it is not installed."""

from bot.cli import main

main()
