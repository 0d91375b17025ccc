"""One installation: its settings and the parts that are open."""

from dataclasses import dataclass, field

from app.clock import Clock
from app.db.session import Database
from app.figures import Figures
from app.mail.fetch import Fetch, fetch_https
from app.mail.transport import MailTransport
from app.settings import Settings
from app.traces import NoTraces, Traces
from media.store import Store


@dataclass(frozen=True, slots=True, kw_only=True)
class House:
    """What a request, a job or a command may reach for; made once, in `app.wiring`."""

    settings: Settings
    database: Database
    store: Store
    clock: Clock
    mail: MailTransport
    # How certificates of providers are had.
    fetch: Fetch = fetch_https
    # What is counted; of the house's processes together where somebody may ask for it.
    figures: Figures = field(default_factory=Figures)
    # Where the time goes, told to whoever the settings name.
    traces: Traces = field(default_factory=NoTraces)

    def close(self) -> None:
        """Close what holds connections."""
        self.database.close()
        self.figures.close()
