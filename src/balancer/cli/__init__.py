"""The command line: `balancer serve | migrate | backup | restore | config … | keys … | audit … | manifest …`."""

import click

from balancer import __version__
from balancer.cli.backups import backup, restore
from balancer.cli.keys import keys
from balancer.cli.manifests import manifest
from balancer.cli.migrate import migrate
from balancer.cli.program import Program
from balancer.cli.reading import audit, config
from balancer.cli.serve import serve


@click.group(cls=Program, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="balancer")
def main() -> None:
    """Redirect video players to an origin cluster or to a CDN, by rules that change while traffic flows.

    Every setting is an environment variable that begins with BALANCER_, or a line in a file .env; see .env.example.
    """


for command in (serve, migrate, backup, restore, config, keys, audit, manifest):
    main.add_command(command)
