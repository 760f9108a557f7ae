"""Health, metrics and statistics over HTTP."""
