"""What a run leaves for people to read: a folder of files, and `write`, the only door to it."""
