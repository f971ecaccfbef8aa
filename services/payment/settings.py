"""What payment is told by its environment."""

from dataclasses import dataclass

from mesh.settings import Settings, optional_text, setting


@dataclass(frozen=True, kw_only=True)
class PaymentSettings(Settings):
    """What payment needs beside what every service needs."""

    stripe_api_key: str = setting("the secret key of the Stripe account", is_secret=True)
    stripe_api_base: str = setting("where Stripe's API is", default="https://api.stripe.com")
    stripe_webhook_secret: str = setting(
        "the signing secret of the Stripe webhook; without one every webhook is refused", optional_text, "", is_secret=True
    )
