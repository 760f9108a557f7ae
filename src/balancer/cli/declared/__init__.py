"""Configs and rules as a file: `balancer apply` and `balancer export`."""
