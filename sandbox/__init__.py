"""Local stand-ins for every outside party: providers, Slack, mail."""
