"""One package per provider and what they share; knows nothing of Slack, jobs or our tables."""
