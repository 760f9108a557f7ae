"""What goes on beside the requests: one class for each job, and what runs them."""
