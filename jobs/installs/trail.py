"""What the audit calls what happens to installations."""

INSTALLED = "install"
REMOVED = "uninstall"
#: somebody became a member because Slack says who they are
JOINED = "join"
