"""Messages to the operator's own people: an organization's id stands in them for want of one of the operator's own.

They are nobody's but the operator's: no customer's timeline, digest or warning speaks of them.
"""

#: Their kinds: what was missed, what joined it and what is made up for, the daily test, the alarm of the fleet.
OPERATORS_KINDS = frozenset({"missed_report", "missed_more", "missed_over", "canary", "fleet_alarm"})
