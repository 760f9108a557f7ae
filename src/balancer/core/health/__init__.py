"""What works, and what goes on without what does not."""
