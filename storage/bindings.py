"""What sealed texts are bound to, each to the one row that it belongs to.

Whoever seals, opens or rotates takes the binding from here (grants: `storage.credentials.Place`), so that they agree.
"""

Binding = tuple[str, ...]


def of_bot_token(team_id: str) -> Binding:
    """Of a workspace's bot token."""
    return ("bot_token", team_id)


def of_installation(enterprise_id: str, team_id: str, version: int) -> Binding:
    """Of one version of an installation's tokens."""
    return ("installation", enterprise_id, team_id, str(version))


def of_disconnect(disconnect_id: str) -> Binding:
    """Of a grant that is being given up, because a person disconnected its source."""
    return ("disconnect", disconnect_id, "grant")


def of_flow(flow_id: str, what: str) -> Binding:
    """Of what a flow keeps: its grant, verifier, or login."""
    return ("flow", flow_id, what)


def of_renewal(state_hash: str) -> Binding:
    """Of what Amazon waits with, until Slack has said who it is."""
    return ("renewal", state_hash)


def of_code(kind: str, subject: str) -> Binding:
    """Of a one-time code in a delivery."""
    return (kind, subject)


def of_ask(team_id: str, ask_id: str) -> Binding:
    """Of a request that waits until its person is known."""
    return ("ask", team_id, ask_id)


def of_feedback(feedback_id: str) -> Binding:
    """Of what somebody wrote about a result or an answer."""
    return ("feedback", feedback_id)


def of_webhook(provider: str, event_id: str) -> Binding:
    """Of the body of an event."""
    return ("webhook", provider, event_id)


def of_endpoint(endpoint_id: str) -> Binding:
    """Of the secrets that messages to a customer's own address are signed with."""
    return ("endpoint", endpoint_id)
