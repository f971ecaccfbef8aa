"""What booking is told by its environment."""

from dataclasses import dataclass

from mesh.settings import Settings, seconds, setting, whole_number


@dataclass(frozen=True, kw_only=True)
class BookingSettings(Settings):
    """The marketplace's terms, and how often booking looks after what waits."""

    commission_basis_points: int = setting(
        "what the marketplace keeps of a price, in ten-thousandths", whole_number(0, 10_000), "1500"
    )
    offer_timeout_seconds: float = setting("how long a provider has to answer an offer", seconds(1, 86_400), "600")
    payment_timeout_seconds: float = setting("how long a booking awaits its payment", seconds(1, 86_400), "900")
    payment_retry_seconds: float = setting("when payment is asked again that did not answer", seconds(0.05, 600), "10")
    sweep_seconds: float = setting("how often overdue offers and payments are looked for", seconds(0.05, 60), "2")
