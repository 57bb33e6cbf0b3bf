"""All that anybody is told, in one."""

from jobs.notify.incidents import AboutIncidents
from jobs.notify.other_ways import OtherWays
from jobs.notify.people import AboutPeople


class Notifier(OtherWays, AboutIncidents, AboutPeople):
    """Tells of refreshes, escalations, incidents and people, and finds another way where a place takes nothing."""
