"""What can go wrong with recordings and with the store that holds them.

Every message says what happened and what the operator can do about it.
"""


class MediaError(Exception):
    """Anything this library can say no to."""


class StoreError(MediaError):
    """The store could not do what was asked.

    Attributes:
        where: The store in words, such as `folder /srv/cadans` or `bucket x at https://…`.
    """

    def __init__(self, where: str, message: str) -> None:
        self.where = where
        super().__init__(message)


class StoreRefused(StoreError):
    """The store knows us not, or does not let us do this (S3: 401, 403; folder: EACCES, EROFS)."""

    def __init__(self, where: str, reason: str) -> None:
        self.reason = reason
        super().__init__(
            where,
            f"The store refused us ({where}: {reason}): check that the credentials are right"
            " and that they may read, write, list and delete there.",
        )


class StoreUnreachable(StoreError):
    """The store does not answer, or answers that it cannot work just now. Try again later."""

    def __init__(self, where: str, reason: str) -> None:
        self.reason = reason
        super().__init__(
            where,
            f"The store does not answer ({where}: {reason}): check that it is running,"
            " that its address is right and that this machine can reach it.",
        )


class StoreMissing(StoreError):
    """There is no such bucket or folder."""

    def __init__(self, where: str) -> None:
        super().__init__(
            where,
            f"The store does not exist ({where}): create it, mount it, or correct its address.",
        )


class StoreFull(StoreError):
    """There is no room left: the disk is full or the quota is used up. Nothing was kept."""

    def __init__(self, where: str) -> None:
        super().__init__(
            where,
            f"The store is full ({where}): make room or raise its quota, then try again."
            " Nothing was stored.",
        )


class ObjectNotFound(MediaError):
    """No object lies under this key."""

    def __init__(self, key: str) -> None:
        self.key = key
        super().__init__(f"No object lies under the key {key!r} in the store.")


class UploadNotFound(MediaError):
    """This upload was never begun, was stopped, or is finished."""

    def __init__(self, key: str, upload_id: str) -> None:
        self.key = key
        self.upload_id = upload_id
        super().__init__(f"The upload of {key!r} does not exist any more: begin it again.")


class UploadIncomplete(MediaError):
    """The parts do not make up the object; the upload stays open, so the missing can be sent."""

    def __init__(self, key: str, reason: str) -> None:
        self.key = key
        self.reason = reason
        super().__init__(f"The upload of {key!r} is not complete: {reason}.")


class InvalidKey(MediaError):
    """This text is not the key of an object."""

    def __init__(self, key: str) -> None:
        self.key = key
        super().__init__(
            f"{key!r} is not an object key: keys look like `<course>/<name>.<extension>`, in"
            " lower-case letters, digits, `-` and `_`."
        )


class InvalidStoreUrl(MediaError):
    """The address of the store cannot be understood."""

    def __init__(self, url: str, reason: str) -> None:
        self.url = url
        self.reason = reason
        super().__init__(
            f"{url!r} is not a store: {reason}. Write `folder:/path`, or"
            " `s3://bucket?endpoint=https://…&public_endpoint=https://…&region=…"
            "&addressing=path|virtual` (all after the `?` may be left out)."
        )


class RangeNotSatisfiable(MediaError):
    """The range that was asked for lies wholly outside the object (RFC 9110 §15.5.17)."""

    def __init__(self, size_bytes: int) -> None:
        self.size_bytes = size_bytes
        super().__init__(f"The range lies outside the {size_bytes} bytes of the object.")


class TooMuchRead(MediaError):
    """A first look at an object wanted more of it than a first look may cost."""

    def __init__(self, key: str, limit_bytes: int) -> None:
        self.key = key
        self.limit_bytes = limit_bytes
        super().__init__(f"Looking at {key!r} took more than {limit_bytes} bytes.")


class FfmpegUnusable(MediaError):
    """There is no ffmpeg, or it cannot do what we need."""

    def __init__(self, where: str, reason: str) -> None:
        self.where = where
        self.reason = reason
        super().__init__(
            f"ffmpeg cannot be used ({where}: {reason}): install ffmpeg 5 or newer,"
            " or the package imageio-ffmpeg, which brings one along."
        )


class NotDecodable(MediaError):
    """Only MP3 and AAC in M4A are ever given to ffmpeg."""

    def __init__(self, audio_format: str) -> None:
        self.audio_format = audio_format
        super().__init__(f"A file of kind {audio_format!r} is never decoded: refuse it instead.")


class FileTooBig(MediaError):
    """More bytes came than may come. Nothing was kept."""

    def __init__(self, limit_bytes: int) -> None:
        self.limit_bytes = limit_bytes
        super().__init__(f"The file is larger than {limit_bytes} bytes; nothing of it was kept.")


class UnreadableText(MediaError):
    """Captions or chapters that we cannot make out.

    Attributes:
        line: Counted from 1; None when no single line is to blame.
    """

    def __init__(self, reason: str, line: int | None = None) -> None:
        self.reason = reason
        self.line = line
        where = f"line {line}: " if line else ""
        super().__init__(f"{where}{reason}")


class UnreadableCover(MediaError):
    """This picture cannot be used as a cover: judge it first, the findings say why."""

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(f"The picture cannot be used: {reason}")
