"""`cadans upload`, also `scripts/upload.py`: a folder of audio becomes lessons."""

import sys
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

import click

from app.upload.errors import CourseMissing, ExitCode, NoToken, UploadProblem
from app.upload.folder import Folder, read_folder
from app.upload.judge import Judged, find_listener, judge_all
from app.upload.screen import Screen
from app.upload.send import Sending
from app.upload.server import CourseThere, Server
from app.upload.words import LANGUAGES, Words, language_of, lazy_gettext
from media.errors import MediaError
from media.findings import Verdict
from media.rules import Expectations
from media.titles import title_from_name


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What was asked for."""

    folder: Path
    slug: str
    is_create: bool
    url: str
    token: str | None
    is_dry_run: bool


STOPPED = lazy_gettext("Stopped. Give the same command again: what has arrived is not sent twice.")
NO_FFMPEG = lazy_gettext(
    "There is no ffmpeg here: files are looked at, but not heard to the end. The server does that"
    " after they are sent. To know at once, install ffmpeg."
)
NOT_SECURE = lazy_gettext(
    "{server} is not https: whoever is on the way can read your token and your audio."
)
LEFT_ALONE = lazy_gettext("No audio, so left alone: {names}")


def _check_url(context: click.Context, parameter: click.Parameter, url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise click.BadParameter(f"{url!r} is no web address", context, parameter)
    return url


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("directory", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--course", "slug", required=True, help="The course's word in its address.")
@click.option(
    "--create",
    is_flag=True,
    help="Make the course when it is not there: in draft, in the language of your account.",
)
@click.option(
    "--server",
    default="http://127.0.0.1:8000",
    show_default=True,
    envvar="CADANS_SERVER",
    callback=_check_url,
    show_envvar=True,
    help="Where Cadans runs.",
)
@click.option(
    "--token",
    envvar="CADANS_TOKEN",
    show_envvar=True,
    help="From `cadans token create`. In the variable it stays out of your shell's history.",
)
@click.option("--dry-run", is_flag=True, help="Only judge the files: no server, nothing is sent.")
@click.option("--json", "is_json", is_flag=True, help="One JSON object per file and line.")
@click.option(
    "--language",
    type=click.Choice(LANGUAGES),
    help="Of messages; what your terminal speaks, when left out.",
)
@click.option("--locale", hidden=True, default="", envvar=["LC_ALL", "LC_MESSAGES", "LANG"])
def upload(*, is_json: bool, language: str | None, locale: str, **asked: object) -> None:
    r"""Make lessons of the audio in DIRECTORY, in the order in which people count its files.

    Every file is judged first. What is refused stays here, the rest is sent; a lesson's title is
    the one in the tags, else made of the file's name. A file lessons.csv beside the audio wins: its
    columns are file, title, notes and publish (yes or no), and lessons come in its order.

    Giving the same command twice changes nothing, and after Ctrl-C it goes on where it was. A file
    whose lesson is there with other audio becomes the new recording of that lesson.


    Exit code: 0 nothing was refused, 1 something was, 2 wrong arguments,
    3 it could not be done (server, token, room; nothing is left halfway), 130 stopped with Ctrl-C.
    """
    screen = Screen(Words(language or language_of(locale)), is_json=is_json)
    order = Order(
        folder=Path(str(asked["directory"])),
        slug=str(asked["slug"]),
        is_create=bool(asked["create"]),
        url=str(asked["server"]),
        token=str(asked["token"]) if asked["token"] else None,
        is_dry_run=bool(asked["dry_run"]),
    )
    sys.exit(_run(order, screen))


def main() -> None:
    """Run the command on its own."""
    upload.main(prog_name="upload.py")


def _run(order: Order, screen: Screen) -> ExitCode:
    try:
        return _judge(order, screen) if order.is_dry_run else _send(order, screen)
    except UploadProblem as problem:
        screen.note(problem.say(screen.words))
        return problem.exit_code
    except MediaError as error:
        screen.note(str(error))
        return ExitCode.NOT_DONE
    except KeyboardInterrupt:
        screen.note(screen.words.gettext(STOPPED))
        return ExitCode.STOPPED


def _judge(order: Order, screen: Screen) -> ExitCode:
    """Say the verdicts, and nothing more."""
    verdicts = [
        judged.verdict for judged in _verdicts(read_folder(order.folder), Expectations(), screen)
    ]
    screen.sum_up(verdicts)
    return ExitCode.REFUSED if Verdict.REFUSE in verdicts else ExitCode.DONE


def _send(order: Order, screen: Screen) -> ExitCode:
    """Say the verdicts, then send what is not refused."""
    folder = read_folder(order.folder)
    if not order.token:
        raise NoToken
    _warn_of_open_road(order, screen)
    with Server(order.url, order.token, screen.words.language) as server:
        course = _find_course(order, server)
        judged = _verdicts(folder, _expectations(course), screen)
        screen.sum_up([each.verdict for each in judged])
        good = [each for each in judged if each.verdict is not Verdict.REFUSE]
        if good and course is None:
            course = server.create_course(order.slug, title_from_name(order.slug))
        is_taken = course is None or _send_good(good, server, course.slug, screen)
    return ExitCode.DONE if is_taken and len(good) == len(judged) else ExitCode.REFUSED


def _send_good(files: list[Judged], server: Server, slug: str, screen: Screen) -> bool:
    """Send files that are not refused here; answer whether the server took all of them."""
    if not files:
        return True
    with screen.sending() as tell:
        outcomes = Sending(server=server, slug=slug, tell=tell).send(files)
    for outcome in outcomes:
        screen.outcome(outcome)
    return not any(outcome.refusal for outcome in outcomes)


def _find_course(order: Order, server: Server) -> CourseThere | None:
    """Answer the course; None: it is to be made."""
    try:
        return server.course(order.slug)
    except CourseMissing:
        if not order.is_create:
            raise
        return None


def _expectations(course: CourseThere | None) -> Expectations:
    if course is None:
        return Expectations()
    return Expectations(
        target=timedelta(seconds=course.target_seconds),
        tolerance=timedelta(seconds=course.tolerance_seconds),
        max_bytes=course.max_upload_bytes,
    )


def _verdicts(folder: Folder, expected: Expectations, screen: Screen) -> list[Judged]:
    """Judge every file and say what was found, one after the other."""
    if folder.ignored:
        names = ", ".join(folder.ignored)
        screen.note(screen.words.gettext(LEFT_ALONE).format(names=names))
    ffmpeg = find_listener()
    if ffmpeg is None:
        screen.note(screen.words.gettext(NO_FFMPEG))
    found = []
    for judged in judge_all(folder.files, expected, ffmpeg):
        screen.verdict(judged)
        found.append(judged)
    return found


def _warn_of_open_road(order: Order, screen: Screen) -> None:
    parts = urlsplit(order.url)
    if parts.scheme == "http" and parts.hostname not in {"127.0.0.1", "localhost", "::1"}:
        screen.note(screen.words.gettext(NOT_SECURE).format(server=order.url))
