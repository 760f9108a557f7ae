"""Changing what is on record, and knowing what is in force."""
