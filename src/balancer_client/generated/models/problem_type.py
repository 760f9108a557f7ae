from enum import StrEnum


class ProblemType(StrEnum):
    ABOUTBLANK = "about:blank"
    URNVIDEO_BALANCERPROBLEMCONFIG_IN_USE = "urn:video-balancer:problem:config-in-use"
    URNVIDEO_BALANCERPROBLEMCONFIG_NOT_FOUND = "urn:video-balancer:problem:config-not-found"
    URNVIDEO_BALANCERPROBLEMDEFAULT_CONFIG = "urn:video-balancer:problem:default-config"
    URNVIDEO_BALANCERPROBLEMFORBIDDEN = "urn:video-balancer:problem:forbidden"
    URNVIDEO_BALANCERPROBLEMIDEMPOTENCY_KEY_REUSED = "urn:video-balancer:problem:idempotency-key-reused"
    URNVIDEO_BALANCERPROBLEMINTERNAL = "urn:video-balancer:problem:internal"
    URNVIDEO_BALANCERPROBLEMINVALID_INPUT = "urn:video-balancer:problem:invalid-input"
    URNVIDEO_BALANCERPROBLEMINVALID_VIDEO = "urn:video-balancer:problem:invalid-video"
    URNVIDEO_BALANCERPROBLEMKEY_NOT_FOUND = "urn:video-balancer:problem:key-not-found"
    URNVIDEO_BALANCERPROBLEMLAST_ADMIN_KEY = "urn:video-balancer:problem:last-admin-key"
    URNVIDEO_BALANCERPROBLEMNOT_SIMPLE = "urn:video-balancer:problem:not-simple"
    URNVIDEO_BALANCERPROBLEMNOT_STEERABLE = "urn:video-balancer:problem:not-steerable"
    URNVIDEO_BALANCERPROBLEMNO_CONFIG = "urn:video-balancer:problem:no-config"
    URNVIDEO_BALANCERPROBLEMOUTCOME_UNKNOWN = "urn:video-balancer:problem:outcome-unknown"
    URNVIDEO_BALANCERPROBLEMRATE_LIMITED = "urn:video-balancer:problem:rate-limited"
    URNVIDEO_BALANCERPROBLEMREVISION_NOT_FOUND = "urn:video-balancer:problem:revision-not-found"
    URNVIDEO_BALANCERPROBLEMSCHEMA_MISMATCH = "urn:video-balancer:problem:schema-mismatch"
    URNVIDEO_BALANCERPROBLEMSTALE_REVISION = "urn:video-balancer:problem:stale-revision"
    URNVIDEO_BALANCERPROBLEMSTORE_UNAVAILABLE = "urn:video-balancer:problem:store-unavailable"
    URNVIDEO_BALANCERPROBLEMTARGET_NOT_FOUND = "urn:video-balancer:problem:target-not-found"
    URNVIDEO_BALANCERPROBLEMTOO_LONG = "urn:video-balancer:problem:too-long"
    URNVIDEO_BALANCERPROBLEMTOO_MANY_STREAMS = "urn:video-balancer:problem:too-many-streams"
    URNVIDEO_BALANCERPROBLEMUNAUTHENTICATED = "urn:video-balancer:problem:unauthenticated"
    URNVIDEO_BALANCERPROBLEMUNKNOWN_FORMAT = "urn:video-balancer:problem:unknown-format"

    def __str__(self) -> str:
        return str(self.value)
