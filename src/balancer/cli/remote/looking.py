"""`balancer targets` and `balancer explain`."""

import click
from rich.console import Group, RenderableType
from rich.text import Text

from balancer.cli.remote.asking import Asking, asks
from balancer.cli.remote.changes import given
from balancer.cli.remote.output import cell, percent, table

_STYLES = {"healthy": "green", "unhealthy": "red"}


@click.command()
@asks
def targets(asking: Asking) -> None:
    """List all targets with the verdicts on their health."""
    found = asking.balancer.read_targets()

    def shown() -> RenderableType:
        rows = [
            (
                one.config,
                one.name,
                one.host,
                one.weight if one.enabled else "disabled",
                cell(one.verdict.value, _STYLES.get(one.verdict.value, "")),
                percent(one.part),
                one.why,
            )
            for one in found.targets
        ]
        made = table(("CONFIG", "TARGET", "HOST", "WEIGHT", "VERDICT", "PART", "WHY"), rows, right=("CONFIG", "WEIGHT"))
        unreliable = Text("All probes fail, so verdicts are not relied upon.", "yellow")
        return Group(made, unreliable) if found.unreliable_since else made

    asking.show(found.to_dict(), shown)


@click.command()
@click.argument("video", metavar="URL")
@click.option(
    "--client", metavar="ADDRESS", help="Address of the player; without it, it is in no network and no country."
)
@asks
def explain(asking: Asking, video: str, client: str | None) -> None:
    """Say where a player would be sent next, and why.

    URL is the origin URL of the video, as the player has it.
    """
    found = asking.balancer.explain(video=video, x_explain_client=given(client))

    def shown() -> RenderableType:
        rows = [(step.step, step.finding) for step in found.steps]
        answer = f"{found.status} {found.location or ''}".strip()
        skipped = [(name, why.value) for name, why in found.skipped.additional_properties.items()]
        rest: list[RenderableType] = [Text(""), table(("NOT CHOSEN", "WHY"), skipped)] if skipped else []
        return Group(cell(answer, "bold"), Text(""), table(("STEP", "FINDING"), rows), *rest)

    asking.show(found.to_dict(), shown)
