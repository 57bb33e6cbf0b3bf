"""Files that are handed to PocketAdvantage: by FTP, FTPS, SFTP or through a folder of this machine.

`open_remote` (in `opening`) reaches a `Place`; `publishing` puts files there so that a reader never sees half of one.
"""
