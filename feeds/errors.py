"""What can be wrong with a feed, its address or its timing."""


class FeedsError(Exception):
    """The root of everything that feeds raises."""


class InvalidToken(FeedsError):
    """The text is not a feed token that one of our keys made.

    Says nothing about what was wrong: neither a log line nor a curious visitor learns anything.
    """

    def __init__(self) -> None:
        super().__init__("not a feed token of this house")


class UnusableFeedKeys(FeedsError):
    """The set of feed keys cannot make or check tokens."""

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(f"feed keys: {reason}")


class MissingFeedKey(FeedsError):
    """A feed address was made with a key that is no longer here; put that key back."""

    def __init__(self, key_number: int) -> None:
        self.key_number = key_number
        super().__init__(f"feed key number {key_number} is missing; put it back")


class ImpossibleValue(FeedsError, ValueError):
    """A value that no podcast app, or no calendar, could make sense of."""

    def __init__(self, subject: str, field: str, reason: str) -> None:
        self.subject = subject
        self.field = field
        self.reason = reason
        super().__init__(f"{subject}.{field} {reason}")


class MissingLesson(FeedsError):
    """An unlocked lesson has no place in the compiled course; compile the newer revision."""

    def __init__(self, lesson_id: int) -> None:
        self.lesson_id = lesson_id
        super().__init__(f"lesson {lesson_id} is unlocked but not in the compiled course")


class MissingMessage(FeedsError):
    """A course that has no messages about itself cannot say one: its template was made without."""

    def __init__(self, kind: str) -> None:
        self.kind = kind
        super().__init__(f"this course has no message {kind!r}")
