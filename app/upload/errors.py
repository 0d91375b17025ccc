"""Why an upload cannot begin or go on; each is said in words and ends with an exit code."""

from enum import IntEnum

from app.upload.words import Words, lazy_gettext


class ExitCode(IntEnum):
    """How the command ends."""

    DONE = 0
    REFUSED = 1
    WRONG_ARGUMENTS = 2
    NOT_DONE = 3
    STOPPED = 130


class UploadProblem(Exception):
    """Base: what happened, what it means, what to do."""

    exit_code = ExitCode.NOT_DONE
    msgid = ""

    def __init__(self, **values: object) -> None:
        self.values = values
        super().__init__(self.msgid.format(**values))

    def say(self, words: Words) -> str:
        """Answer it in words."""
        return words.gettext(self.msgid).format(**self.values)


class WrongArguments(UploadProblem):
    """What was asked for cannot be done as it stands."""

    exit_code = ExitCode.WRONG_ARGUMENTS


class NoAudio(WrongArguments):
    """The folder holds nothing to send."""

    msgid = lazy_gettext("There is no audio in {folder}. Name the folder in which it lies.")


class UnreadableFile(WrongArguments):
    """A file cannot be opened."""

    msgid = lazy_gettext(
        "{file} cannot be read ({why}). Nothing was sent. Mend that and try again."
    )


class UnknownColumns(WrongArguments):
    """The list beside the audio has columns that mean nothing to us."""

    msgid = lazy_gettext(
        "lessons.csv has columns that mean nothing here: {unknown}. Allowed are: {allowed}."
    )


class BadList(WrongArguments):
    """The list beside the audio cannot be read."""

    msgid = lazy_gettext("lessons.csv, line {line}, cannot be read: {why}.")


class ListNotUtf8(BadList):
    """It is written in another character set."""

    msgid = lazy_gettext('lessons.csv is not written in UTF-8. Save it as "CSV UTF-8".')


class ListWithoutFiles(BadList):
    """The one column that must be there is not."""

    msgid = lazy_gettext('lessons.csv has no column "file", so it does not say which is which.')


class ListTooWide(BadList):
    """A row has more values than there are columns."""

    msgid = lazy_gettext(
        "lessons.csv, line {line}, has more values than columns. Put texts with commas in quotes."
    )


class ListedFileMissing(BadList):
    """A row names a file that is not there."""

    msgid = lazy_gettext(
        'lessons.csv, line {line}, names "{name}", but no such audio lies beside it.'
    )


class ListedTwice(BadList):
    """Two rows name one file."""

    msgid = lazy_gettext('lessons.csv, line {line}, names "{name}" for the second time.')


class BadPublish(BadList):
    """Neither yes nor no."""

    msgid = lazy_gettext('lessons.csv, line {line}, says "{value}" under publish. Write yes or no.')


class NoToken(WrongArguments):
    """Nothing says who sends."""

    msgid = lazy_gettext(
        "A token is missing. Make one on the server with `cadans token create`, and give it with"
        " --token or in CADANS_TOKEN."
    )


class ServerAway(UploadProblem):
    """The server does not answer, or broke off and did not come back."""

    msgid = lazy_gettext(
        "{server} does not answer ({why}). What arrived is kept. Check the address and try again;"
        " the same command goes on where it was."
    )


class TokenRefused(UploadProblem):
    """401."""

    msgid = lazy_gettext(
        "{server} does not accept the token: it is mistyped, revoked or too old. Make a new one"
        " there with `cadans token create`."
    )


class NotAllowed(UploadProblem):
    """403."""

    msgid = lazy_gettext(
        "{server} does not let this token do that. A token of one course cannot make a course; ask"
        " the owner for a token that may."
    )


class CourseMissing(UploadProblem):
    """404 for the course."""

    msgid = lazy_gettext(
        "There is no course {slug} at {server}, or this token does not open it. Check the name, or"
        " let it be made with --create."
    )


class TooBig(UploadProblem):
    """413."""

    msgid = lazy_gettext(
        "{server} does not take {file}: it is too big. Nothing of it was kept. Export it at a"
        " lower bit rate, such as MP3 at 128 kbit/s."
    )


class StoreFull(UploadProblem):
    """507."""

    msgid = lazy_gettext(
        "There is no room left at {server}. What arrived is kept. Ask who runs it to make room,"
        " then give the same command again."
    )


class StoreAway(UploadProblem):
    """502, 503, 504: the server is there, a part of it is not."""

    msgid = lazy_gettext(
        "{server} cannot reach its storage just now. What arrived is kept. Try again in a few"
        " minutes; the same command goes on where it was."
    )


class AnswerUnexpected(UploadProblem):
    """An answer that no version of the API gives for this."""

    msgid = lazy_gettext(
        "{server} answers {status} where something else was expected ({why}). Is this the address"
        " of Cadans?"
    )


class Rejected(UploadProblem):
    """409, 422: the server says what is wrong with what was sent."""

    msgid = lazy_gettext("{server} does not take this: {why}")


class NotPublished(UploadProblem):
    """The recording has not been judged in time."""

    msgid = lazy_gettext(
        "{file} was sent, but {server} has not checked it yet, so it is not published. Give the"
        " same command again later; if that does not help, its worker may not be running."
    )
