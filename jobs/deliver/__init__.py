"""Deliveries on their way out: one Slack sender, one mail sender, and the living cards."""
