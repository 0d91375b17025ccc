"""`cadans privacy`: the file in which who runs a house says who that is."""

import json
from collections.abc import Iterator, Mapping

import click

from app.house import House
from app.setting_rights import BLANKS, OPTIONAL, Particulars


@click.command()
@click.pass_obj
def privacy(house: House) -> None:
    """Print the file to fill in for the page on what is kept, with what is filled in already.

    \b
    cadans privacy > privacy.toml    then fill it in, and put it into CADANS_VAR,
                                     or name it in CADANS_PRIVACY

    Not straight onto the file that is in use: the shell empties that before we can read it.
    """  # noqa: D301 (click reads \b as: leave these lines as they are)
    click.echo(f"# Who keeps what people fill in here, for {house.settings.base_url}/my/privacy.")
    click.echo('# A text may differ by language: name = {nl = "…", en = "…"}')
    for line in _lines(house.settings.privacy):
        click.echo(line)


def _lines(filled: Particulars) -> Iterator[str]:
    for key, about in {**BLANKS, **OPTIONAL}.items():
        yield ""
        yield f"# {about[0].upper()}{about[1:]}."
        if key.endswith("_days"):
            days = filled.days.get(key)
            yield f"# {key} = 30" if days is None else f"{key} = {days}"
        else:
            words = filled.texts.get(key)
            yield f"{key} = {_as_toml(words)}" if words else f'# {key} = ""'


def _as_toml(words: Mapping[str, str]) -> str:
    """Write a text as TOML: what JSON calls a string is one there too."""
    quoted = {language: json.dumps(text, ensure_ascii=False) for language, text in words.items()}
    if len(set(quoted.values())) == 1:
        return next(iter(quoted.values()))
    return "{" + ", ".join(f"{language} = {text}" for language, text in quoted.items()) + "}"
