"""Configs and their history over HTTP."""
