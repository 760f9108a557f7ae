"""What the operator said."""

import msgspec
from dishka.integrations.litestar import FromDishka

from balancer.api.framework.endpoints import Endpoints
from balancer.core.access.keys import Role
from balancer.core.access.masking import SettingsInForce

ENDPOINTS = Endpoints("health")


class SettingState(msgspec.Struct):
    """A setting of this process.

    Attributes:
        name: Of its variable: `BALANCER_PORT`.
        value: As it would stand there; empty when it is not given. Of a secret `******`, and without users and
            passwords in URLs.
        secret: Whether it is one.
        default: Whether nobody said it.
    """

    name: str
    value: str
    secret: bool
    default: bool


class SettingList(msgspec.Struct):
    """The settings of this process.

    Attributes:
        settings: All of them, in the order of the documentation.
    """

    settings: list[SettingState]


@ENDPOINTS.endpoint("GET /settings", Role.ADMIN, answer="The settings.")
async def read_settings(in_force: FromDishka[SettingsInForce]) -> SettingList:
    """Read the settings that this process runs by.

    Secrets are masked: only whether there is one can be told.
    """
    return SettingList([SettingState(one.name, one.value, one.is_secret, one.is_default) for one in in_force.settings])
