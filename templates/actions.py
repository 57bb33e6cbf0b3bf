"""Names of the buttons that notices carry; the bot's dispatch table has one entry for each."""

#: Start asking: shows the confirm card. Value: as given to the notice.
REFRESH_ASK = "refresh_ask"
#: Start the refresh that the confirm card describes.
REFRESH_CONFIRM = "refresh_confirm"
#: Start it for the sources that are not fresh, only.
REFRESH_STALE = "refresh_stale"
#: Put the confirm card away; nothing starts.
REFRESH_DISMISS = "refresh_dismiss"
#: Stop a running refresh between two steps.
REFRESH_CANCEL = "refresh_cancel"
#: Support has seen the escalation.
ESCALATION_ACKNOWLEDGE = "escalation_acknowledge"
#: Support starts the unfinished runs again.
ESCALATION_RETRY = "escalation_retry"
#: Support stops the refresh.
ESCALATION_CANCEL = "escalation_cancel"
#: The member says that mail may go to the address from the Slack profile.
EMAIL_YES = "email_yes"
#: The member wants Slack only.
EMAIL_NO = "email_no"
#: A button that only opens a link; ack and do nothing.
OPEN_LINK = "open_link"
