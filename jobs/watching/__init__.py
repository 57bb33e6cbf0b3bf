"""The watcher: looks at a Tidings from outside, and tells by mail of its own when it stands still."""
