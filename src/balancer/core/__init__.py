"""What is right: the rules of redirecting, as plain data and pure functions, with the ports that they need."""
