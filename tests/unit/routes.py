"""Every route of the program, as tests demand it."""

from typing import Any, NamedTuple

from balancer.core.access.keys import Role

CLOSED = frozenset({400, 401, 403, 422, 429, 431, 503})
CHANGE = CLOSED | {404, 412, 413}
HOST = {"cdn_host": "b.example"}


class Route(NamedTuple):
    """One operation.

    Attributes:
        path: As in the OpenAPI document.
        method: In lower case, as there.
        operation_id: As there.
        errors: The error statuses that it describes.
        needs: The role that it needs, None when it is open.
        query: Of a request that it can answer.
        body: As above.
    """

    path: str
    method: str
    operation_id: str
    errors: frozenset[int]
    needs: Role | None
    query: str = ""
    body: dict[str, Any] | None = None

    @property
    def url(self) -> str:
        """The path and the query of such a request."""
        return f"{self.path.format(url='http/s1.origin-cluster/a.ts')}?{self.query}"


def _both(
    path: str, operation_id: str, errors: frozenset[int], needs: Role | None = Role.VIEWER, query: str = ""
) -> list[Route]:
    return [
        Route(path, "get", operation_id, errors, needs, query),
        Route(path, "head", f"{operation_id}Head", errors, needs, query),
    ]


ROUTES = [
    *_both(
        "/", "redirectVideo", frozenset({400, 414, 422, 429, 431, 503}), None, "video=http://s1.origin-cluster/a.ts"
    ),
    Route("/", "options", "preflight", frozenset({400, 429}), None),
    *_both("/to/{url}", "redirectPath", frozenset({400, 414, 422, 429, 431, 503}), None),
    Route("/to/{url}", "options", "preflightPath", frozenset({400, 429, 431}), None),
    *_both(
        "/manifest",
        "steerManifest",
        frozenset({400, 414, 422, 429, 431, 503}),
        None,
        "video=http://s1.origin-cluster/a.m3u8",
    ),
    Route("/manifest", "options", "preflightManifest", frozenset({400, 429}), None),
    *_both("/steering", "steerSession", frozenset(), None),
    Route("/steering", "options", "preflightSteering", frozenset(), None),
    Route("/cmcd", "post", "reportPlayback", frozenset({400, 413, 429, 431}), None),
    Route("/cmcd", "options", "preflightReports", frozenset(), None),
    *_both("/health/live", "live", frozenset(), None),
    *_both("/health/ready", "ready", frozenset({503}), None),
    *_both("/stats", "readStats", CLOSED),
    *_both("/live", "followLive", CLOSED, query="events=1"),
    *_both("/settings", "readSettings", CLOSED - {422}, Role.ADMIN),
    *_both("/identity", "readIdentity", CLOSED - {422}),
    *_both("/quality", "readQuality", CLOSED | {404}),
    *_both("/loop", "readLoop", CLOSED - {422}),
    *_both("/targets", "readTargets", CLOSED - {422}),
    *_both("/config", "readConfig", CLOSED | {404}),
    Route("/config", "patch", "changeConfig", CHANGE | {409}, Role.OPERATOR, body={"id": 1, **HOST}),
    Route("/config/target", "patch", "changeTarget", CHANGE, Role.OPERATOR, body={"id": 1, "name": "cdn", "weight": 1}),
    Route("/config", "delete", "deleteConfig", CHANGE - {413} | {409}, Role.OPERATOR, "id=1"),
    *_both("/configs", "listConfigs", CLOSED),
    Route("/configs", "post", "createConfig", CLOSED | {413}, Role.OPERATOR, body={"distribution_rate": 1, **HOST}),
    *_both("/config/history", "readHistory", CLOSED | {404}),
    *_both("/config/revision", "readRevision", CLOSED | {404}, query="revision=1"),
    *_both("/config/diff", "compareRevisions", CLOSED | {404}, query="from=1&to=1"),
    Route("/config/rollback", "post", "rollBackConfig", CHANGE, Role.OPERATOR, body={"id": 1, "revision": 1}),
    *_both("/rules", "readRules", CLOSED - {422}),
    Route("/rules", "put", "replaceRules", CHANGE - {404}, Role.OPERATOR, body={"rules": []}),
    *_both("/rules/history", "readRulesHistory", CLOSED),
    *_both("/rules/revision", "readRulesRevision", CLOSED | {404}, query="revision=0"),
    *_both("/rules/diff", "compareRules", CLOSED | {404}, query="from=0&to=0"),
    Route("/rules/rollback", "post", "rollBackRules", CHANGE, Role.OPERATOR, body={"revision": 0}),
    Route("/rules/preview", "post", "previewRules", CLOSED | {413}, Role.VIEWER, body={}),
    *_both("/explain", "explain", CLOSED, query="video=x"),
    Route("/config/preview", "post", "previewConfig", CLOSED | {404, 409, 413}, Role.VIEWER, body={"id": 1, **HOST}),
    *_both("/keys", "listKeys", CLOSED, Role.ADMIN),
    Route("/keys", "post", "createKey", CLOSED | {413}, Role.ADMIN, body={"name": "a", "role": "viewer"}),
    Route("/key", "delete", "revokeKey", CLOSED | {404, 409}, Role.ADMIN, "id=99"),
]

OWN_ROUTES = [route for route in ROUTES if route.path != "/manifest"]
"""Those of a service as it comes, which fetches nothing from an origin."""
