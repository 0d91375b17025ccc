"""What a look found: one line each, with the remedy where there is one."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum


class Grade(StrEnum):
    """Fine; good to know; works, but not for everybody; does not work."""

    OK = "ok"
    NOTE = "note"
    WARN = "warn"
    FAIL = "fail"


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One thing that was looked at. `code` names it for programs, and never changes.

    `remedy` says what to do; empty where there is nothing to do.
    """

    code: str
    grade: Grade
    message: str
    remedy: str = ""

    def as_json(self) -> Mapping[str, str]:
        """Answer the object that `--json` prints."""
        return {
            "code": self.code,
            "grade": self.grade.value,
            "message": self.message,
            "remedy": self.remedy,
        }


def exit_code(checks: Iterable[Check]) -> int:
    """Answer 1 when something does not work, else 0."""
    return int(any(check.grade is Grade.FAIL for check in checks))
