"""Slack surfaces, the web edge and the command line: authorize, parse, call a service, show."""
