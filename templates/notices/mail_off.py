"""What a person is told in Slack after mails were turned off by the link in one of them."""

from collections.abc import Mapping

from storage.facts.messages import Code, Heading, Message, Note, Paragraph, Strong
from storage.facts.subscriptions import Topic

_TOPICS: Mapping[Topic, str] = {
    Topic.READY: "data is ready",
    Topic.FAILED: "a refresh failed",
    Topic.LATE: "data is late",
    Topic.DISCONNECTED: "a source is disconnected",
    Topic.EXCHANGE: "something of the exchange is held, failed or missing",
    Topic.SENT: "a night of the exchange's files is over",
}


def topic_words(topic: Topic) -> str:
    """Return when such a mail comes, as it stands in a sentence: “data is ready”."""
    return _TOPICS[topic]


def mail_off(topic: Topic) -> Message:
    """Return what the person is told: what was turned off, by what, and the way back."""
    words = topic_words(topic)
    summary = f"You get no more mail when {words}: the link in one of those mails was used."
    parts = (
        Heading(f"No more mail when {words}"),
        Paragraph(("The link in one of those mails was used. Slack messages come as before, and so does other mail.",)),
        Paragraph((Strong("Was it not you, or a mistake? "), "Back to what everybody gets: ",
                   Code(f"/data notify {topic.value} default"), "; every source by Slack and mail: ",
                   Code(f"/data notify {topic.value} both"), ".")),
        Note(("What you are told about each source: ", Code("/data notify"), ".")),
    )  # fmt: skip
    return Message(summary, parts, subject=f"No more mail when {words}", kind="mail_off")
