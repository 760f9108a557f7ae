"""Every route of the program, as tests demand it."""

from typing import NamedTuple

READ = frozenset({400, 422, 503})
CHANGE = READ | {404, 412, 413}


class Route(NamedTuple):
    """One operation.

    Attributes:
        path: As in the OpenAPI document.
        method: In lower case, as there.
        operation_id: As there.
        errors: The error statuses that it describes.
    """

    path: str
    method: str
    operation_id: str
    errors: frozenset[int]


def _both(path: str, operation_id: str, errors: frozenset[int]) -> list[Route]:
    return [Route(path, "get", operation_id, errors), Route(path, "head", f"{operation_id}Head", errors)]


ROUTES = [
    *_both("/", "redirectVideo", READ | {414}),
    Route("/", "options", "preflight", frozenset()),
    *_both("/health/live", "live", frozenset()),
    *_both("/config", "readConfig", READ | {404}),
    Route("/config", "patch", "changeConfig", CHANGE),
    Route("/config", "delete", "deleteConfig", CHANGE - {413} | {409}),
    *_both("/configs", "listConfigs", READ),
    Route("/configs", "post", "createConfig", READ | {413}),
    *_both("/config/history", "readHistory", READ | {404}),
    *_both("/config/revision", "readRevision", READ | {404}),
    *_both("/config/diff", "compareRevisions", READ | {404}),
    Route("/config/rollback", "post", "rollBackConfig", CHANGE),
]
