"""NetSuite, which delivers: files of saved searches in a folder or a bucket."""
