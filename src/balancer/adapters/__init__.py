"""How we talk to stores: each class implements a port of the core with one technology."""
