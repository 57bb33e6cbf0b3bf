"""The page of the stand-ins: channels, threads, Home, modals and the mail inbox, drawn on the server."""
