"""Routes of applications that are made for one test each."""

from collections.abc import Callable

from werkzeug.routing import Rule


class BuiltWhenAsked(Rule):
    """Compiles what makes its address when the first one is made.

    That is nine tenths of what an application costs, and a test asks for a few addresses.
    """

    def _compile_builder(self, append_unknown: bool = True) -> Callable[..., tuple[str, str]]:  # noqa: FBT001, FBT002 (as in Rule)
        of_rule = super()._compile_builder
        compiled: Callable[..., tuple[str, str]] | None = None

        def build(rule: Rule, /, **values: object) -> tuple[str, str]:
            nonlocal compiled
            compiled = compiled or of_rule(append_unknown)
            return compiled(rule, **values)

        return build
