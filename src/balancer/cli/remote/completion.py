"""`balancer completion`."""

import click
from click.shell_completion import get_completion_class

from balancer.cli.endings import show


@click.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(shell: str) -> None:
    r"""Print a script that completes commands.

    \b
    bash:  eval "$(balancer completion bash)", in ~/.bashrc
    zsh:   eval "$(balancer completion zsh)", in ~/.zshrc
    fish:  balancer completion fish > ~/.config/fish/completions/balancer.fish
    """
    kind = get_completion_class(shell)
    assert kind is not None  # noqa: S101  click has these three
    root = click.get_current_context().find_root().command
    show(kind(root, {}, "balancer", "_BALANCER_COMPLETE").source())
