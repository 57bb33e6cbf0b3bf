"""Orders into QuickBooks Desktop, which calls us through its Web Connector and is never called."""
