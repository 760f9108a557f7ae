"""The console for admins: a page in a browser, and what it asks beside the rest of the API."""
