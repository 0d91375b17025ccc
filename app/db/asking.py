"""Asks how subscriptions stand, on a few connections that the threads of a process share.

SQLite has its answer in the time of a function call, so each request asks for itself. With
PostgreSQL a question costs mostly the way there and back: requests that wait for a connection at
the same moment are asked about by the first of them, who also works out what each makes of it.
"""

import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any, Final, Generic, Self, TypeVar

from sqlalchemy import Engine

from app.db.standing import (
    CONNECT_SECONDS,
    KINDS,
    STATEMENT_MS,
    DatabaseUnreachable,
    PostgresStandings,
    SqliteStandings,
    Standing,
    is_passing,
)

# How many questions may be under way at once. With PostgreSQL one for eight costs each of them a
# quarter of one for itself (measured on its socket), so more lanes would ask less together.
SQLITE_LANES: Final = 4
POSTGRES_LANES: Final = 1
# A statement for more than this holds up the first who asked.
MOST_TOGETHER: Final = 64
# Whoever is ahead may need a new connection.
TURN_SECONDS: Final = 2 * STATEMENT_MS / 1000
# How long nobody tries a database again that gave no connection: polls are not to wait for it.
REST_SECONDS: Final = 1.0

_NO_CONNECTION: Final = "it gave no connection a moment ago"

T = TypeVar("T")


class StandingReader:
    """Asks, on a few connections that the threads of this process share. Only reads."""

    def __init__(self, engine: Engine) -> None:
        self._lanes: list[_Lane] = (
            [_SharedLane(engine) for _ in range(POSTGRES_LANES)]
            if engine.dialect.name == "postgresql"
            else [_Lane(engine) for _ in range(SQLITE_LANES)]
        )

    def find(self, random_id: bytes) -> Standing | None:
        """Answer how the address with this random id stands; None: there is none.

        Raises:
            DatabaseUnreachable: now, and once more on a new connection.
        """
        return self.work_out(random_id, _as_it_is)

    def work_out(self, random_id: bytes, work: Callable[[Standing | None], T]) -> T:
        """Answer what `work` makes of how the address with this random id stands.

        It may run in another thread, while others wait for theirs: nothing slow belongs there.

        Raises:
            DatabaseUnreachable: now, and once more on a new connection.
            Exception: whatever `work` raises.
        """
        return self._lane().work_out(random_id, work)

    def is_erased(self, digest: bytes) -> bool:
        """Whether an address with this digest was erased.

        Raises:
            DatabaseUnreachable: now, and once more on a new connection.
        """
        return self._lane().is_erased(digest)

    def is_down(self) -> bool:
        """Whether the database gave no connection just now, so that nobody need try in vain."""
        return any(lane.is_down() for lane in self._lanes)

    def close(self) -> None:
        """Close every connection once it is free; a later question opens a new one."""
        for lane in self._lanes:
            lane.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *raised: object) -> None:
        self.close()

    def _lane(self) -> "_Lane":
        return self._lanes[threading.get_native_id() % len(self._lanes)]


def _as_it_is(standing: Standing | None) -> Standing | None:
    return standing


class _Lane:
    """One connection, for one question at a time."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._failure: type[Exception] = engine.dialect.loaded_dbapi.Error
        self._turn = threading.Lock()
        # None: yet to be opened.
        self._connection: SqliteStandings | PostgresStandings | None = None
        # Until when nobody else tries, on the process's own clock; 0: all is well.
        self._rests_until = 0.0

    def work_out(self, random_id: bytes, work: Callable[[Standing | None], T]) -> T:
        self._take_turn()
        try:
            found = self._ask("find", (random_id,))
        finally:
            self._give_turn_back()
        return work(found.get(random_id))

    def is_erased(self, digest: bytes) -> bool:
        self._take_turn()
        try:
            return bool(self._ask("is_erased", digest))
        finally:
            self._give_turn_back()

    def is_down(self) -> bool:
        """Whether nobody need ask now. A file that cannot be opened says so at once."""
        return False

    def close(self) -> None:
        with self._turn:
            self._drop_connection()

    def _take_turn(self) -> None:
        if not self._turn.acquire(timeout=TURN_SECONDS):
            raise DatabaseUnreachable("whoever asked before still waits for an answer")

    def _give_turn_back(self) -> None:
        self._turn.release()

    def _ask(self, question: str, parameter: object) -> Any:  # noqa: ANN401 (what the question answers)
        if self._connection is not None:
            try:
                return getattr(self._connection, question)(parameter)
            except self._failure:
                # A server that was restarted broke our connection; a new one may do.
                self._drop_connection()
        if self.is_down():
            raise DatabaseUnreachable(_NO_CONNECTION)
        if self._rests_until:
            # It failed before: who comes while we try again shall not wait for that.
            self._rest(CONNECT_SECONDS + REST_SECONDS)
        try:
            answer = self._ask_anew(question, parameter)
        except self._failure as error:
            if not is_passing(error):
                self._rest(REST_SECONDS)
            raise DatabaseUnreachable(type(error).__name__) from error
        self._rests_until = 0.0
        return answer

    def _ask_anew(self, question: str, parameter: object, *, may_fail: bool = True) -> Any:  # noqa: ANN401 (what the question answers)
        """Ask on a new connection; and on another one where this was ended in passing."""
        try:
            self._connection = KINDS[self._engine.dialect.name](self._engine)
            return getattr(self._connection, question)(parameter)
        except self._failure as error:
            self._drop_connection()
            if not (may_fail and is_passing(error)):
                raise
        return self._ask_anew(question, parameter, may_fail=False)

    def _rest(self, seconds: float) -> None:
        self._rests_until = time.monotonic() + seconds

    def _drop_connection(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


class _Ticket(Generic[T]):
    """One question about one address, what is to be made of the answer, and what came of it."""

    __slots__ = ("_error", "_news", "_result", "_work", "is_asked", "is_done", "random_id")

    def __init__(self, random_id: bytes, work: Callable[[Standing | None], T]) -> None:
        self.random_id = random_id
        self.is_asked = False
        self.is_done = False
        self._work = work
        self._result: T
        self._error: Exception | None = None
        self._news = threading.Lock()
        self._news.acquire()

    def done(self, standing: Standing | None, error: Exception | None) -> None:
        """Work out the result, or keep why there is none, and let its holder look."""
        self._error = error
        if error is None:
            try:
                self._result = self._work(standing)
            except Exception as raised:  # noqa: BLE001 (raised again where it belongs)
                self._error = raised
        self.is_done = True
        self.wake()

    def outcome(self) -> T:
        """Answer the result, or raise why there is none."""
        if self._error is not None:
            raise self._error
        return self._result

    def wait(self) -> bool:
        """Wait until it is answered, or its holder's turn to ask; False: for too long."""
        return self._news.acquire(timeout=TURN_SECONDS)

    def wake(self) -> None:
        """Let its holder look."""
        # Woken twice before she looks: once is enough.
        with suppress(RuntimeError):
            self._news.release()


_Asked = tuple[list[_Ticket[Any]], Mapping[bytes, Standing], Exception | None]
"""Who was asked about together, and the answer, or why there is none."""


class _SharedLane(_Lane):
    """One connection, and those who wait for it: whoever has the turn asks for all of them.

    Who waits is woken by name, and the next one asks while the others take their answers away.
    """

    def __init__(self, engine: Engine) -> None:
        super().__init__(engine)
        self._waiting: deque[_Ticket[Any]] = deque()

    def is_down(self) -> bool:
        return time.monotonic() < self._rests_until

    def work_out(self, random_id: bytes, work: Callable[[Standing | None], T]) -> T:
        if self._rests_until and self.is_down():
            raise DatabaseUnreachable(_NO_CONNECTION)
        ticket = _Ticket(random_id, work)
        # First in the row, then for the turn: whoever gives it back looks at the row after that.
        self._waiting.append(ticket)
        while not ticket.is_done:
            if not ticket.is_asked and self._turn.acquire(blocking=False):
                self._lead(ticket)
            elif not ticket.wait():
                self._leave(ticket)
                raise DatabaseUnreachable("whoever asked before still waits for an answer")
        return ticket.outcome()

    def _lead(self, ticket: _Ticket[Any]) -> None:
        asked: list[_Asked] = []
        try:
            # Asked about by somebody before us, or still to be asked about: by us.
            while not ticket.is_asked:
                asked.append(self._ask_for_waiting())
        finally:
            # The next one asks while we work out what was answered.
            self._give_turn_back()
            for tickets, found, error in asked:
                for each in tickets:
                    each.done(found.get(each.random_id), error)

    def _give_turn_back(self) -> None:
        self._turn.release()
        with suppress(IndexError):
            self._waiting[0].wake()

    def _leave(self, ticket: _Ticket[Any]) -> None:
        """Take a ticket out of the row; its turn, if it had come just now, is the next one's."""
        with suppress(ValueError):
            self._waiting.remove(ticket)
        with suppress(IndexError):
            self._waiting[0].wake()

    def _ask_for_waiting(self) -> "_Asked":
        self._let_others_join()
        count = min(len(self._waiting), MOST_TOGETHER)
        tickets = [self._waiting.popleft() for _ in range(count)]
        for ticket in tickets:
            ticket.is_asked = True
        try:
            found = self._ask("find", [ticket.random_id for ticket in tickets])
        except Exception as error:  # noqa: BLE001 (raised again by everybody who waits for it)
            return tickets, {}, error
        return tickets, found, None

    def _let_others_join(self) -> None:
        """Give way while more of them come: nothing lost when nobody does."""
        seen = 0
        while seen < (seen := len(self._waiting)) < MOST_TOGETHER:
            time.sleep(0)
