"""`balancer manifest add-steering`."""

import click

from balancer import idn
from balancer.cli.endings import check_output, show
from balancer.core.configs.targets import Kind, Scheme, Target
from balancer.core.errors import InvalidInput
from balancer.core.manifests.pathways import pathway_of
from balancer.core.manifests.refusing import MAX_MANIFEST
from balancer.core.manifests.steering import steered_manifest
from balancer.core.refusals import InvalidVideo
from balancer.core.urls.hosts import OriginHosts, parse_cdn_host
from balancer.core.urls.videos import OriginUrl, parse_video

_HINTS = {"server_uri": "'--server-uri'", "base_url": "'--base-url'"}
"""The options that fields come from; the others come from `--pathway`."""


@click.group()
def manifest() -> None:
    """Prepare HLS playlists and DASH MPDs."""


@manifest.command("add-steering")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, allow_dash=True))
@click.option("--server-uri", required=True, metavar="URL", help="Where players ask which pathway to take.")
@click.option("--base-url", required=True, metavar="URL", help="Where the manifest is at the origin.")
@click.option(
    "--pathway",
    "pathways",
    multiple=True,
    required=True,
    metavar="NAME[=[SCHEME://]HOST[/PATH]]",
    help="A place that has all of the video, once for each; players begin with the first. NAME alone is the origin; "
    "PATH is a template such as /vod{path}, by default /{server}{path}.",
)
def add_steering(file: str, server_uri: str, base_url: str, pathways: tuple[str, ...]) -> None:
    """Print the manifest in FILE, or on standard input for '-', with content steering.

    HLS multivariant playlists and DASH MPDs can have it. What is not known in one stays as it is, byte for byte.
    """
    check_output()
    try:
        video = _video(base_url)
        made = [pathway_of(_target(given), video.origin) for given in pathways]
        with click.open_file(file, "rb") as opened:
            found = opened.read(MAX_MANIFEST + 1)
        steered = steered_manifest(found, video.text, made, server_uri)
    except InvalidInput as error:
        raise click.BadParameter(f"{error.fault}.", param_hint=_HINTS.get(error.field, "'--pathway'")) from error
    show(steered, ends=False)


def _video(url: str) -> OriginUrl:
    """Return the URL of a manifest; its own host is allowed here, whichever it is."""
    host = url.partition("://")[2].partition("/")[0]
    try:
        return parse_video(url.encode(), OriginHosts([host], idn.to_ascii))
    except InvalidVideo as error:
        raise InvalidInput("base_url", error.fault) from None
    except ValueError:
        raise InvalidInput("base_url", "has no host that could be an origin's") from None


def _target(given: str) -> Target:
    """Return the target that an option describes: `cdn-a=https://cdn.example.com/vod{path}`, or `origin`."""
    name, is_cdn, where = given.partition("=")
    scheme, has_scheme, rest = where.rpartition("://")
    host, slash, path = rest.partition("/")
    try:
        if not is_cdn:
            return Target(name, Kind.ORIGIN)
        if has_scheme and scheme not in {Scheme.HTTP, Scheme.HTTPS}:
            raise InvalidInput("scheme", f"has the scheme '{scheme}', which is neither http nor https")
        by = Scheme(scheme) if has_scheme else Scheme.KEEP
        return Target(name, Kind.CDN, parse_cdn_host(host, idn.to_ascii), by, slash + path if slash else None)
    except InvalidInput as error:
        raise InvalidInput("pathways", f"'{given}' {error.fault}") from None
