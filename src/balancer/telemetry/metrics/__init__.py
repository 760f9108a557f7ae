"""What the operator can count on: numbers that all processes of a service keep together, and how they are read."""
