"""The command line: `balancer --help` lists its commands, of which some talk to a running service by its URL."""

import click

from balancer import __version__
from balancer.cli.groups import MACHINE, SERVICE, Entry, Program


@click.group(cls=Program, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="balancer")
def main() -> None:
    """Redirect video players to an origin cluster or to a CDN, by rules that change while traffic flows.

    Commands of the first kind find the service by BALANCER_URL and BALANCER_API_KEY, or as 'balancer login' kept it.
    Those of the second kind read the settings of the server: environment variables that begin with BALANCER_, or
    lines in a file .env; see .env.example.
    """


main.entries = {
    "login": Entry(SERVICE, "balancer.cli.remote.login:login", "Keep a service's URL and key for the other commands."),
    "config": Entry(SERVICE, "balancer.cli.remote.config:config", "Look at configs and change them."),
    "targets": Entry(
        SERVICE, "balancer.cli.remote.looking:targets", "List all targets with the verdicts on their health."
    ),
    "drain": Entry(SERVICE, "balancer.cli.remote.draining:drain", "Take all traffic from a target."),
    "undrain": Entry(SERVICE, "balancer.cli.remote.draining:undrain", "Give a drained target its traffic back."),
    "rules": Entry(SERVICE, "balancer.cli.remote.rules:rules", "Look at the rules and replace them."),
    "explain": Entry(SERVICE, "balancer.cli.remote.looking:explain", "Say where a player would be sent next, and why."),
    "stats": Entry(SERVICE, "balancer.cli.remote.stats:stats", "Show what each target gets, as numbers and bars."),
    "remote-keys": Entry(SERVICE, "balancer.cli.remote.keys:remote_keys", "Manage API keys of a running service."),
    "apply": Entry(SERVICE, "balancer.cli.declared.commands:apply", "Make configs and rules what a file says."),
    "export": Entry(SERVICE, "balancer.cli.declared.commands:export", "Write configs and rules as a file for 'apply'."),
    "open": Entry(SERVICE, "balancer.cli.remote.login:open_console", "Open the console in a browser."),
    "completion": Entry(
        SERVICE, "balancer.cli.remote.completion:completion", "Print a script that completes commands."
    ),
    "serve": Entry(MACHINE, "balancer.cli.serve:serve", "Serve players and admins until stopped."),
    "doctor": Entry(MACHINE, "balancer.cli.doctor.command:doctor", "See whether all is well on this machine."),
    "migrate": Entry(
        MACHINE,
        "balancer.cli.migrate:migrate",
        "Bring the database to the schema that this program needs, or back to an earlier one.",
    ),
    "backup": Entry(
        MACHINE,
        "balancer.cli.backups:backup",
        "Write configs with all their revisions, and the keys' digests, to a new FILE.",
    ),
    "restore": Entry(
        MACHINE,
        "balancer.cli.backups:restore",
        "Put what a backup FILE holds into an empty database of either kind, migrated or not.",
    ),
    "keys": Entry(MACHINE, "balancer.cli.keys:keys", "Manage API keys, straight in the database."),
    "audit": Entry(MACHINE, "balancer.cli.reading:audit", "Look at who changed what."),
    "manifest": Entry(MACHINE, "balancer.cli.manifests:manifest", "Prepare HLS playlists and DASH MPDs."),
}
