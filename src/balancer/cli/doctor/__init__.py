"""`balancer doctor`: whether all is well on the machine of the server."""
