"""The record in SQLite or PostgreSQL."""
