"""Answers that are not 200, in Stripe's shape (https://docs.stripe.com/api/errors)."""

from mesh.local.stripe_simulator.journal import JsonObject


class StripeFailure(Exception):
    """An error answer. `is_execution` says that work had begun, so that an idempotency key keeps this answer."""

    def __init__(self, status: int, *, is_execution: bool = False, **error: object) -> None:
        super().__init__(error.get("message"))
        self.status = status
        self.is_execution = is_execution
        self.body: JsonObject = {"error": {key: value for key, value in error.items() if value is not None}}


def invalid(message: str, code: str | None = None, param: str | None = None, status: int = 400) -> StripeFailure:
    """The request cannot be meant; nothing was executed."""
    return StripeFailure(status, type="invalid_request_error", message=message, code=code, param=param)


def no_such(what: str, key: str, param: str, status: int) -> StripeFailure:
    """An object that does not exist: 404 when the path names it, 400 when a parameter does."""
    return invalid(f"No such {what}: '{key}'", "resource_missing", param, status)


def unauthorized(message: str) -> StripeFailure:
    """No API key, or another one."""
    return invalid(message, status=401)


def unexpected_state(message: str, intent: JsonObject) -> StripeFailure:
    """The PaymentIntent is not in a state from which this can be done."""
    return StripeFailure(
        400,
        is_execution=True,
        type="invalid_request_error",
        code="payment_intent_unexpected_state",
        message=message,
        payment_intent=intent,
    )


def outage() -> StripeFailure:
    """Something went wrong on Stripe's side, before anything was executed."""
    return StripeFailure(500, type="api_error", message="An unknown error occurred.")
