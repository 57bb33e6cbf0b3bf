"""The web pages between a person and a provider's grant: plain, server-rendered, no script, nothing from elsewhere."""
