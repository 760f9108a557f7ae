"""The fixtures of the integration tests, for these as well."""

from tests.integration.conftest import postgres_url, start

__all__ = ["postgres_url", "start"]
