"""The container files, as far as they can be looked at without an engine."""

import json
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import pytest
import yaml

from app.cli import cadans
from app.setting_reader import variable
from app.settings import all_settings

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "scripts" / "deploy" / "docker"
# What an operator makes himself, as the first lines of compose.yaml say.
HIS_OWN = {"./nginx.conf", "./tls"}


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((FOLDER / "compose.yaml").read_text())
    return found


def instructions() -> Iterator[tuple[str, list[str]]]:
    """The lines of the Dockerfile, continued ones as one."""
    text = (FOLDER / "Dockerfile").read_text().replace("\\\n", " ")
    for line in text.splitlines():
        if line and not line.startswith("#"):
            name, words = line.split(maxsplit=1)
            yield name, json.loads(words) if words.startswith("[") else shlex.split(words)


def services_of_ours(compose: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {name: each for name, each in compose["services"].items() if each["image"] == "cadans"}


def test_image_is_made_of_what_is_there_and_of_all_that_is_installed() -> None:
    copied = {
        source
        for name, words in instructions()
        if name == "COPY" and not words[0].startswith("--from")
        for source in words[:-1]
    }
    assert all((ROOT / source).exists() for source in copied)
    # what pip needs, and every package that setup.cfg installs
    assert copied == {
        "setup.cfg",
        "pyproject.toml",
        "LICENSE",
        "README.md",
        "app",
        "feeds",
        "media",
    }
    let_in = {
        line[1:]
        for line in (FOLDER / "Dockerfile.dockerignore").read_text().splitlines()
        if line.startswith("!")
    }
    assert let_in == copied


def test_image_starts_a_command_that_is_there_and_not_as_root() -> None:
    found = dict(instructions())
    assert found["ENTRYPOINT"] == ["cadans"]
    assert found["CMD"][0] in cadans.list_commands(click.Context(cadans))
    assert found["USER"] == ["cadans"]
    set_here = {word.partition("=")[0] for word in found["ENV"]} - {"PATH"}
    assert set_here <= {variable(name) for name in all_settings()}


def test_each_service_of_ours_runs_a_command_that_is_there(compose: dict[str, Any]) -> None:
    for each in services_of_ours(compose).values():
        command: click.Command | None = cadans
        for word in each["command"]:
            assert isinstance(command, click.Group)
            command = command.get_command(click.Context(command), word)
        assert command is not None


def test_whatever_is_mounted_is_there_or_is_made_as_the_file_says(compose: dict[str, Any]) -> None:
    for each in compose["services"].values():
        for volume in each.get("volumes", []):
            source = volume.partition(":")[0]
            if source.startswith("."):
                assert source in HIS_OWN or (FOLDER / source).exists(), volume
            elif not source.startswith("/"):
                assert source in compose["volumes"], volume


def test_services_and_networks_that_are_named_exist(compose: dict[str, Any]) -> None:
    for each in compose["services"].values():
        assert set(each["networks"]) <= set(compose["networks"])
        assert set(each.get("depends_on", [])) <= set(compose["services"])


def test_only_nginx_can_be_reached_and_only_the_tables_are_made_by_their_owner(
    compose: dict[str, Any],
) -> None:
    services = compose["services"]
    assert [name for name, each in services.items() if "ports" in each] == ["nginx"]
    owners = [
        name
        for name, each in services_of_ours(compose).items()
        if "cadans_owner" in each["environment"]["CADANS_DATABASE_URL"]
    ]
    assert owners == ["tables"]


def test_every_value_that_is_asked_for_stands_in_the_example(compose: dict[str, Any]) -> None:
    asked = set(re.findall(r"\$\{(\w+)", (FOLDER / "compose.yaml").read_text()))
    example = (FOLDER / "house.env.example").read_text()
    assert compose["services"]
    assert asked == set(re.findall(r"^(\w+)=", example, re.MULTILINE))


def test_nginx_sends_to_every_web_process_and_trusts_are_mutual(compose: dict[str, Any]) -> None:
    servers = re.findall(
        r"^server ([\w-]+):8000", (FOLDER / "servers.conf").read_text(), re.MULTILINE
    )
    serving = [n for n, each in services_of_ours(compose).items() if each["command"] == ["serve"]]
    assert servers == serving
    [outside] = compose["networks"]["outside"]["ipam"]["config"]
    for each in services_of_ours(compose).values():
        assert each["environment"]["CADANS_TRUSTED_PROXIES"] == outside["subnet"]
