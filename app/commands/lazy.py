"""Commands that are loaded when somebody calls them: none waits for what the others import."""

from collections.abc import Mapping
from importlib import import_module

import click


class LazyGroup(click.Group):
    """A group that knows where its commands stand (click, "Lazily Loading Subcommands", 8.3)."""

    def __init__(
        self,
        name: str | None = None,
        commands: dict[str, click.Command] | None = None,
        *,
        places: Mapping[str, str] | None = None,
        **how: object,
    ) -> None:
        """`places`: where each command stands, as `module:name`."""
        super().__init__(name, commands, **how)  # type: ignore[arg-type]  # (click's own words)
        self._places = places or {}

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Answer the names of all, loaded or not."""
        return sorted({*super().list_commands(ctx), *self._places})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Answer a command, loaded now if it is not yet."""
        place = self._places.get(cmd_name)
        if place is None:
            return super().get_command(ctx, cmd_name)
        module, _, name = place.partition(":")
        command: click.Command = getattr(import_module(module), name)
        return command
