"""A command group that imports a command only to run it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Any

import click


@dataclass(frozen=True, slots=True)
class Entry:
    """A command that is not imported yet.

    Attributes:
        target: ``"module:attribute"`` of the click command.
        help: one line for the group's help.
        section: heading it is listed under.
    """

    target: str
    help: str
    section: str


class LazyGroup(click.Group):
    """A group over a table of :class:`Entry`; its help imports none of them.

    Args:
        entries: the commands by name, in the order of the help.
        kwargs: as :class:`click.Group`.
    """

    def __init__(self, *, entries: Mapping[str, Entry], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.entries = entries

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names of all commands."""
        return list(self.entries)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import a command."""
        entry = self.entries.get(cmd_name)
        if entry is None:
            return None
        module, _, attribute = entry.target.partition(":")
        command: click.Command = getattr(import_module(module), attribute)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command of ``args``; a misspelt one gets a suggestion."""
        name = args[0]
        if name not in self.entries and not name.startswith("-"):
            from vicreg_core.plugins.suggest import did_you_mean

            ctx.fail(f"no command {name!r}{did_you_mean(name, self.entries)}")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands by section."""
        for section in dict.fromkeys(entry.section for entry in self.entries.values()):
            with formatter.section(section):
                formatter.write_dl(
                    [(name, entry.help) for name, entry in self.entries.items() if entry.section == section]
                )
