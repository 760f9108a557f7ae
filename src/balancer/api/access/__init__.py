"""Who may ask what over HTTP."""
