"""What a fleet shares, in Redis."""
