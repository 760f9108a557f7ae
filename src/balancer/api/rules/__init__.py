"""Rules, their history and their preview over HTTP."""
