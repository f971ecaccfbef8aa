"""Stripe's test cards (https://docs.stripe.com/testing): which payment methods exist, and what charging each does."""

import re

from mesh.local.stripe_simulator.failures import no_such

_DECLINES = {  # the ending of the payment method's name: code, decline code, message
    "": ("card_declined", "generic_decline", "Your card was declined."),
    "InsufficientFunds": ("card_declined", "insufficient_funds", "Your card has insufficient funds."),
    "LostCard": ("card_declined", "lost_card", "Your card was declined."),
    "StolenCard": ("card_declined", "stolen_card", "Your card was declined."),
    "ExpiredCard": ("expired_card", None, "Your card has expired."),
    "IncorrectCvc": ("incorrect_cvc", None, "Your card's security code is incorrect."),
    "ProcessingError": ("processing_error", None, "An error occurred while processing your card. Try again in a little bit."),
}


def require_known(payment_method: str) -> None:
    """Raises StripeFailure unless it is one of the test cards."""
    if not re.fullmatch(r"pm_card_\w+", payment_method):
        raise no_such("PaymentMethod", payment_method, "payment_method", 400)


def decline_of(payment_method: str) -> dict[str, str | None] | None:
    """Why this card is declined, as fields of Stripe's error; None for a card that is not."""
    match = re.fullmatch(r"pm_card_(?:visa_)?chargeDeclined(\w*)", payment_method)
    if match is None:
        return None
    code, decline_code, message = _DECLINES.get(match[1], _DECLINES[""])
    return {"code": code, "decline_code": decline_code, "message": message}


def needs_authentication(payment_method: str) -> bool:
    """Whether the card's holder has to confirm, by 3-D Secure, before it can be charged."""
    return payment_method.startswith("pm_card_authenticationRequired")
