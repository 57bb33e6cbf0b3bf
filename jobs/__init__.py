"""What the system does: refreshes, clock, engine, telling, escalation."""
