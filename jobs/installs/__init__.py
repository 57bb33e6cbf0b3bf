"""The app in Slack workspaces: installed by a page, kept alive, and closed when Slack says that it was removed."""
