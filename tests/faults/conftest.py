"""The fixtures of the integration tests, for these as well."""

from tests.integration.conftest import start

__all__ = ["start"]
