"""The commands that talk to a running service, by its URL and a key."""
