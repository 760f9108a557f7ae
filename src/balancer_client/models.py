"""Bodies of requests and answers, as the OpenAPI document describes them."""

from balancer_client.generated.models import *  # noqa: F403  the generated package says what is public
from balancer_client.generated.models import __all__ as __all__  # noqa: PLC0414  as above
