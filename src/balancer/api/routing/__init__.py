"""The redirect and its explanation over HTTP."""
