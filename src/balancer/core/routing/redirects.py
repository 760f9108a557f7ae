"""What a process redirects by: it reads requests, and holds the plan that decides."""

from balancer.core.errors import NoConfig
from balancer.core.routing.decisions import Asked, Decision, Plan, Step, decide
from balancer.core.routing.routes import NOBODY, Client
from balancer.core.urls.hosts import OriginHosts
from balancer.core.urls.plain import PlainVideos


class Redirects:
    """Decides redirects from memory alone: no store is asked, so none that is down can stop it.

    Args:
        origins: The hosts that may be redirected at all.

    Attributes:
        videos: Reads requests.
        plan: What is decided by, None before the first config is known. Whoever draws a new one assigns it: the next
            request sees all of it, none sees a part.
    """

    def __init__(self, origins: OriginHosts) -> None:
        self.videos = PlainVideos(origins)
        self.plan: Plan | None = None

    def find(self, query: bytes) -> Asked:
        """Return what the request with this raw query string asks for: `video=http://s1.origin-cluster/video/…&…`.

        Raises:
            Refusal: When it may not be redirected.
            NoConfig: Before the first config is known.
        """
        plan = self.plan
        if plan is None:
            raise NoConfig
        video, carried = self.videos.read(query)
        return plan.read(video.origin, video.path, carried, video.query)

    def find_by_path(self, path: bytes, query: bytes) -> Asked:
        """Return what the request with this raw path, `/to/http/s1.origin-cluster/video/…`, and query string asks for.

        Raises:
            Refusal: When it may not be redirected.
            NoConfig: Before the first config is known.
        """
        plan = self.plan
        if plan is None:
            raise NoConfig
        video, carried = self.videos.read_path(path, query)
        return plan.read(video.origin, video.path, carried, video.query)

    def redirect(self, query: bytes, client: Client = NOBODY) -> Decision:
        """Find and decide at once; a request that is refused takes no ticket.

        Raises:
            Refusal: When it may not be redirected.
            NoConfig: Before the first config is known.
        """
        return Decision(*decide(self.find(query), client))

    def redirect_by_path(self, path: bytes, query: bytes, client: Client = NOBODY) -> Decision:
        """Do the same for a video that is named in the path.

        Raises:
            Refusal: When it may not be redirected.
            NoConfig: Before the first config is known.
        """
        return Decision(*decide(self.find_by_path(path, query), client))

    def explain(self, query: bytes, client: Client, trace: list[Step]) -> Decision:
        """Return what would be decided next, and tell how; no ticket is taken.

        Raises:
            Refusal: When it may not be redirected.
            NoConfig: Before the first config is known.
        """
        return Decision(*decide(self.find(query), client, trace))
