"""What the Slack edge needs of the system behind it, by topic; `services` has all of it."""
