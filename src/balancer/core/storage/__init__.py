"""The record as a whole: its schema and its backups."""
