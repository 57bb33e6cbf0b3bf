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
#: Show what a held read found, and ask whether it may be loaded. Value: the id of the held run.
HELD_ASK = "held_ask"
#: Read again and let it be that much less. Value: the card and the id of the held run.
HELD_LOAD = "held_load"
#: Read alone the streams that a run could not read. Value: the id of the run.
MISSING_RETRY = "missing_retry"
#: Save the schedule that a card shows. Value: the card, the source, the schedule and the version before it.
SCHEDULE_SET = "schedule_set"
#: Save the promise that a card shows. Value: the card, the source, the promise as typed and what was seen before it.
PROMISE_SET = "promise_set"
#: Why a metric is not current. Value: its id.
METRIC_WHY = "metric_why"
#: Show all metrics.
METRIC_LIST = "metric_list"
#: Show one metric. Value: its name.
METRIC_SHOW = "metric_show"
#: Links to a metric's files. Value: its id.
METRIC_FILE = "metric_file"
#: A link to the page of what is shown. Value: the id of the source or of the metric.
PAGE_LINK = "page_link"
#: Make the metric that a card shows. Value: the card and the words as typed.
METRIC_MAKE = "metric_make"
#: Open the form of a new metric; also the callback of that form.
METRIC_FORM = "metric_form"
#: Open the form of a metric that is there. Value: its id, and the field that is to be looked at.
METRIC_CHANGE = "metric_change"
#: In the form: something was chosen on which other fields depend.
METRIC_TURN = "metric_turn"
#: In the form: show the settings that few need.
METRIC_MORE = "metric_more"
#: In the form: search what was imported, and people, channels and zones.
METRIC_SEARCH = "metric_search"
#: The form with the last values, sent: save it.
METRIC_SAVE = "metric_save"
#: Delete a metric, after a confirm. Value: the card and its id.
METRIC_DELETE = "metric_delete"
#: Read again what a card shows. Value: the card, the source, the stream and the day.
REREAD_START = "reread_start"
#: Ask support for access to refreshes. Value: the refresh that was wanted.
ACCESS_ASK = "access_ask"
#: Support gives it. Value: the id of the request.
ACCESS_APPROVE = "access_approve"
#: Support does not give it. Value: the id of the request.
ACCESS_DECLINE = "access_decline"
#: Save the escalation policy that a card shows.
POLICY_SET = "policy_set"
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
#: Show what can be connected.
CONNECT_ASK = "connect_ask"
#: Give the clicker a link to connect an account. Value: the provider.
CONNECT = "connect"
#: Give the clicker a link to reconnect a source. Value: its id.
RECONNECT = "reconnect"
#: Show what to try when reconnecting does not work. Value: the source's id.
CONNECTION_HELP = "connection_help"
#: Ask the provider now whether it accepts the connection. Value: the source's id.
CONNECTION_TEST = "connection_test"
#: Open a ticket with support, filled in. Value: the source's id.
CONNECTION_TICKET = "connection_ticket"
#: Show what disconnecting a source affects. Value: its id.
DISCONNECT = "disconnect"
#: Open the form that confirms it; also the callback of that form. Value: the source's id.
DISCONNECT_FORM = "disconnect_form"
#: Show what became of the messages about something. Value: its id.
DELIVERIES = "deliveries"
#: Have a message sent again, to oneself by mail. Value: the card and the delivery.
AGAIN_MAIL = "again_mail"
#: ... and by Slack.
AGAIN_SLACK = "again_slack"
#: Try whether messages arrive. Value: the card.
NOTIFY_TEST = "notify_test"
#: Open the form of one's own messages; the form itself, sent.
NOTIFY_FORM = "notify_form"
#: In it: another source was chosen. Value: its id, or `all`.
NOTIFY_ABOUT = "notify_about"
#: Explain why a source's data is as old as it is. Value: the source's id.
WHY = "why"
#: Show a receipt. Value: its id.
RECEIPT_SHOW = "receipt_show"
#: Take an incident on. Value: its id.
INCIDENT_ACKNOWLEDGE = "incident_acknowledge"
#: Show what a snooze of an incident hides. Value: its id.
INCIDENT_SNOOZE_ASK = "incident_snooze_ask"
#: Snooze it. Value: the card, the incident and for how long.
INCIDENT_SNOOZE = "incident_snooze"
#: Mute alarms as a card shows. Value: the card, the source, the kinds, until when, and what was seen before it.
MUTE_SET = "mute_set"
#: Show a page of the data source index in App Home, behind a filter. Value: the filter and the page.
HOME_SHOW = "home_show"
#: Show all about a source, with all that the person may do with it. Value: its id.
SOURCE_MORE = "source_more"
#: Show what happened to a source. Value: its id.
HISTORY = "history"
#: Show when a source is collected. Value: its id.
SCHEDULE = "schedule"
#: Show the card that mutes late and failing alarms about a source for a day. Value: its id.
MUTE = "mute"
#: Share an answer with the channel where it was asked for. Value: the card and the sources.
SHARE = "share"
#: Show what can be asked.
HELP = "help"
#: Say of the result of a refresh that it was helpful. Value: the refresh.
FEEDBACK_UP = "feedback_up"
#: ... that it was not right; also the form that asks what was wrong.
FEEDBACK_DOWN = "feedback_down"
#: Open the form that asks what to refresh; also the form itself, sent.
REFRESH_FORM = "refresh_form"
#: Search the sources that can be refreshed, while one types.
REFRESH_SOURCES = "refresh_sources"
#: A button that only opens a link; ack and do nothing.
OPEN_LINK = "open_link"
#: Show the process map of the exchange with PocketAdvantage.
EXCHANGE_MAP = "exchange_map"
#: Show one pair of the exchange. Value: its id.
EXCHANGE_SHOW = "exchange_show"
#: Choose whose records go over a connection. Value: the connection and the QuickBooks company.
EXCHANGE_COMPANY = "exchange_company"
#: Start a pair now. Value: its id.
EXCHANGE_START = "exchange_start"
#: Make a pair's file without sending it. Value: its id.
EXCHANGE_DRY = "exchange_dry"
#: Stop a pair for a while. Value: its id.
EXCHANGE_PAUSE = "exchange_pause"
#: Let a paused pair run again. Value: its id.
EXCHANGE_RESUME = "exchange_resume"
#: Switch a pair on. Value: its id.
EXCHANGE_ON = "exchange_on"
#: Switch a pair off. Value: its id.
EXCHANGE_OFF = "exchange_off"
#: Send a file that is held. Value: the id of the run.
EXCHANGE_RELEASE = "exchange_release"
#: Do not send a file that is held. Value: the id of the run.
EXCHANGE_DISCARD = "exchange_discard"
#: Show the earlier files of a pair. Value: its id.
EXCHANGE_VERSIONS = "exchange_versions"
#: Put an earlier file back. Value: the pair's id and the file's name.
EXCHANGE_RESTORE = "exchange_restore"
#: Allow orders to be created in QuickBooks, or take that back. Value: the source.
EXCHANGE_ALLOW, EXCHANGE_FORBID = "exchange_allow", "exchange_forbid"
#: Take an order again. Value: the pair's id and the order's number.
EXCHANGE_ORDER_AGAIN = "exchange_order_again"
#: Take the orders of an earlier run again. Value: the run.
EXCHANGE_REPLAY = "exchange_replay"
#: Send the invoices of a night and those after it again. Value: the pair and the night's date.
EXCHANGE_RESEND = "exchange_resend"
#: Save the schedule of a pair that a card shows. Value: the pair, the version before it, and the schedule.
EXCHANGE_SCHEDULE = "exchange_schedule"
#: Show the mapping of a pair. Value: the pair.
MAPPING_SHOW = "mapping_show"
#: Open the form in which an organization writes its own mapping; also the form itself, sent. Value: the pair.
MAPPING_FORM = "mapping_form"
#: The form that shows what a change would come to, sent: save it.
MAPPING_SAVE = "mapping_save"
#: Show the earlier versions of the mapping. Value: the pair.
MAPPING_VERSIONS = "mapping_versions"
#: Show what an earlier or newer version would change. Value: the pair, the version in use, its kind and number.
MAPPING_LOOK = "mapping_look"
#: Bring that version back, or take it. Value: the card, then as above.
MAPPING_SET = "mapping_set"
