"""Words: facts become a neutral message, and a message becomes Slack blocks or an e-mail."""
