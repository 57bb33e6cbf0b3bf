"""What is told: the kinds of messages that are sent, and what holds for some of them."""

from datetime import timedelta

REFRESH_CARD = "refresh_card"
REFRESH_FINISHED = "refresh_finished"
#: a word in the thread while a refresh goes on
REFRESH_BEAT = "refresh_beat"
#: a run that the clock began made data ready; to whoever chose to be told. Its subject: the run
RUN_READY = "run_ready"
ESCALATION_CARD = "escalation_card"
ESCALATION_MAIL = "escalation_mail"
ESCALATION_TOLD = "escalation_told"
#: a channel or a person of the company is called by its policy. Its subject: the refresh and the step
ESCALATION_STEP = "escalation_step"
#: support is called once more. Its subject: the refresh and the number of the call
ESCALATION_AGAIN = "escalation_again"
#: whom a policy named has left. Its subject: the member and when
ON_CALL_LEFT = "on_call_left"
INCIDENT_CARD = "incident_card"
INCIDENT_MAIL = "incident_mail"
INCIDENT_REMINDER = "incident_reminder"
#: a word in the thread of an incident. Its subject: the incident and what the word is about
INCIDENT_NOTE = "incident_note"
#: most sources stand badly at once: support alone is told
FLEET_ALARM = "fleet_alarm"
EXPIRY_WARNING = "expiry_warning"
#: alarms that somebody muted are told again. Its subject: the source, the instant and the kinds
MUTE_OVER = "mute_over"
#: Tidings was removed from a Slack workspace
WORKSPACE_LEFT = "workspace_left"
#: what to do first, to whoever installed it and became admin by that; by DM. Its subject: the organization
WELCOME = "welcome"
CONNECTION_TICKET = "connection_ticket"
#: whoever connected a source is no full member of the Slack workspace any more
OWNER_LEFT = "owner_left"
#: support is asked for access to refreshes, by post and mail; the post is edited to the decision
ACCESS_ASKED = "access_asked"
#: whoever asked is told what support decided
ACCESS_DECIDED = "access_decided"
#: a message that was sent before, to whoever asked for it once more. Its subject: the delivery, a number, the member
AGAIN = "again"
#: a person tries whether messages reach them
TEST = "test"
#: the link in a mail turned off such mails. Its subject: the mail and the topic
MAIL_OFF = "mail_off"
#: the admins are told that nothing reaches a channel, a person or an address any more
PLACE_DEAD = "place_dead"

#: What goes before everything else that waits to be sent, and what no quiet hours, mute or snooze ever holds.
ESCALATIONS = frozenset({ESCALATION_CARD, ESCALATION_MAIL, ESCALATION_TOLD, ESCALATION_STEP, ESCALATION_AGAIN})

#: What may be sent again: it says how things stand, and opens nothing.
REPEATABLE = frozenset(
    {REFRESH_FINISHED, ESCALATION_TOLD, INCIDENT_CARD, INCIDENT_MAIL, INCIDENT_REMINDER, EXPIRY_WARNING}
)

#: No message is sent later than that after what it tells.
KEEP_TRYING = timedelta(hours=24)
