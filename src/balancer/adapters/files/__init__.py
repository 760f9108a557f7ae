"""What a host keeps for itself, in files."""
