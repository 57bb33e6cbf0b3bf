"""From a link to a stored grant: who asks, whose browser it is, what the provider gave, and the person's yes.

The row of the flow is the only state, so that a flow goes on in whichever process the next request meets, and after a
kill either goes on or says "start again". Nothing of a grant is anywhere else before the person confirms it.
"""
