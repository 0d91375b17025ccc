"""Why there is nothing to judge; both end with exit code 2."""

from app.errors import CadansError


class AddressRefused(CadansError):
    """It is no address that we ask."""

    def __init__(self, why: str) -> None:
        self.why = why
        super().__init__(why)


class FeedUnreachable(CadansError):
    """Nobody answered."""

    def __init__(self, address: str, why: str) -> None:
        self.address = address
        self.why = why
        super().__init__(f"{address} cannot be reached: {why}")
