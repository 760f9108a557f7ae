"""Which config a request gets."""
