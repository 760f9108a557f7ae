"""Tokens of the operator's identity provider."""
