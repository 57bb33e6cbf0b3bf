"""Files that are mailed: who sent a mail, what is attached to it, and the mailbox or bucket that it lies in."""
