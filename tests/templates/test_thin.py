from templates import mail, slack
from tests.templates.samples import ZONE, messages


def test_every_notice_renders_in_slack_and_mail():
    for name, message in messages().items():
        shown = slack.render(message, team_id="T0TEMERITY", zone=ZONE)
        assert shown["text"] and len(shown["blocks"]) <= 50, name
        assert mail.render(message, zone=ZONE).subject, name
