"""What all forms of ours share: nothing is asked before the form, and its answer comes back to ourselves."""

from connectors.base import ProviderSettings
from connectors.grants import Consent, HintError, HintField
from storage.facts.secret import Secret


class FormGrants:
    """The part of a provider's `Grants` that a form of ours stands for; the rest is the provider's own."""

    hint: HintField | None = None

    def read_hint(self, text: str) -> str:
        """Nothing is asked first; HintError."""
        raise HintError(f"Nothing is asked here ({len(text)} characters came).")

    def hint_of(self, account: str, region: str) -> str:
        """Return the account: it is what the form asks for."""
        _ = region
        return account

    def consent(self, settings: ProviderSettings, *, hint: str, redirect_uri: str, state: Secret) -> Consent:
        """Return where the form's answer goes: to ourselves, with the flow's state. No browser is sent there."""
        _ = settings, hint
        return Consent(f"{redirect_uri}?state={state.reveal()}")
