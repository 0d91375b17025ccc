"""`cadans doctor …`: looks at what stands outside this program, and says what is wrong with it."""

import click

HELP_WORDS = {"-h", "--help"}


class DoctorGroup(click.Group):
    """A group in which an address needs no command before it: `cadans doctor https://…`.

    Whatever does not begin with the name of a command is meant for `feed`.
    """

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Put `feed` before an address and its options."""
        if args and args[0] not in self.commands and args[0] not in HELP_WORDS:
            args = ["feed", *args]
        return super().parse_args(ctx, args)


@click.group(cls=DoctorGroup, context_settings={"help_option_names": ["-h", "--help"]})
def doctor() -> None:
    r"""Look at what stands outside this program, and say in words what is wrong with it.

    \b
    cadans doctor https://example.org/feed.xml    a feed of any host, as podcast apps see it
    """
