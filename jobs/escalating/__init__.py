"""Calling for help about what does not end: by a policy, once each, until somebody has it in hand or it is over."""
