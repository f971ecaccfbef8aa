"""PaymentIntents: created and confirmed, captured, cancelled; what each answers, what it changes and which events it makes."""

import copy
import secrets
import time
from dataclasses import dataclass, field

from mesh.local.stripe_simulator import cards
from mesh.local.stripe_simulator.failures import StripeFailure, invalid, no_such, unexpected_state
from mesh.local.stripe_simulator.journal import Journal, JsonObject
from mesh.local.stripe_simulator.parameters import amount, currency, one_of, switch

TABLE = "payment_intents"
PARAMETERS = {
    "create": {
        *("amount", "automatic_payment_methods", "capture_method", "confirm", "currency", "customer", "description"),
        *("error_on_requires_action", "metadata", "off_session", "payment_method", "payment_method_types", "receipt_email"),
        *("return_url", "statement_descriptor", "statement_descriptor_suffix", "transfer_group"),
    },
    "capture": {"amount_to_capture", "metadata"},
    "cancel": {"cancellation_reason"},
}
"""The parameters that each call takes; Stripe has more, which are refused here rather than ignored."""

_CANCELLABLE = ("requires_payment_method", "requires_capture", "requires_confirmation", "requires_action", "processing")
_REASONS = ("", "abandoned", "duplicate", "fraudulent", "requested_by_customer")
_PLAIN = ("customer", "description", "receipt_email", "statement_descriptor", "statement_descriptor_suffix", "transfer_group")


@dataclass
class Outcome:
    """The object of a table as it is from now on, the types of the events that this makes, and the failure if it is one."""

    table: str
    subject: JsonObject
    event_types: list[str] = field(default_factory=list)
    failure: StripeFailure | None = None


class Intents:
    """The calls on PaymentIntents. They change nothing: what they return is to be committed."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal

    def retrieve(self, intent_id: str) -> JsonObject:
        """A copy of the PaymentIntent. Raises StripeFailure when there is none."""
        found = self._journal.table(TABLE).get(intent_id)
        if found is None:
            raise no_such("payment_intent", intent_id, "intent", 404)
        return copy.deepcopy(found)

    def create(self, parameters: JsonObject) -> Outcome:
        """A new PaymentIntent, confirmed at once when asked for. Raises StripeFailure when the parameters are wrong."""
        payment_method = parameters.get("payment_method")
        if payment_method is not None:
            cards.require_known(payment_method)
        is_confirmed = switch(parameters, "confirm")
        if is_confirmed and payment_method is None:
            raise invalid("You cannot confirm this PaymentIntent because it's missing a payment method.", param="payment_method")
        outcome = Outcome(TABLE, _new_intent(parameters), ["payment_intent.created"])
        if is_confirmed:
            _confirm(outcome, str(payment_method), is_strict=switch(parameters, "error_on_requires_action"))
        return outcome

    def capture(self, intent_id: str, parameters: JsonObject) -> Outcome:
        """Takes the held amount or a part of it; the rest is released. Raises StripeFailure when nothing is held."""
        intent = self.retrieve(intent_id)
        if intent["status"] != "requires_capture":
            raise unexpected_state(
                f"This PaymentIntent could not be captured because it has a status of {intent['status']}. "
                "Only a PaymentIntent with one of the following statuses may be captured: requires_capture.",
                intent,
            )
        taken = amount(parameters, "amount_to_capture", intent["amount_capturable"])
        if taken > intent["amount_capturable"]:
            raise invalid("The amount to capture is greater than what is capturable.", "amount_too_large", "amount_to_capture")
        intent.update(status="succeeded", amount_capturable=0, amount_received=taken)
        intent["metadata"].update(parameters.get("metadata", {}))
        return Outcome(TABLE, intent, ["payment_intent.succeeded"])

    def cancel(self, intent_id: str, parameters: JsonObject) -> Outcome:
        """Releases what is held. Raises StripeFailure when it was taken or released already."""
        reason = one_of(parameters, "cancellation_reason", _REASONS)
        intent = self.retrieve(intent_id)
        if intent["status"] not in _CANCELLABLE:
            raise unexpected_state(
                f"You cannot cancel this PaymentIntent because it has a status of {intent['status']}. "
                f"Only a PaymentIntent with one of the following statuses may be canceled: {', '.join(_CANCELLABLE)}.",
                intent,
            )
        intent.update(
            status="canceled",
            amount_capturable=0,
            canceled_at=int(time.time()),
            cancellation_reason=reason or None,
            next_action=None,
        )
        return Outcome(TABLE, intent, ["payment_intent.canceled"])


def _new_intent(parameters: JsonObject) -> JsonObject:
    key = f"pi_{secrets.token_hex(12)}"
    types = parameters.get("payment_method_types", {"0": "card"})
    return {
        "id": key,
        "object": "payment_intent",
        "amount": amount(parameters, "amount"),
        "amount_capturable": 0,
        "amount_received": 0,
        "automatic_payment_methods": _automatic(parameters),
        "canceled_at": None,
        "cancellation_reason": None,
        "capture_method": one_of(parameters, "capture_method", ("automatic_async", "automatic", "manual")),
        "client_secret": f"{key}_secret_{secrets.token_hex(12)}",
        "confirmation_method": "automatic",
        "created": int(time.time()),
        "currency": currency(parameters),
        "last_payment_error": None,
        "latest_charge": None,
        "livemode": False,
        "metadata": dict(parameters.get("metadata", {})),
        "next_action": None,
        "payment_method": parameters.get("payment_method"),
        "payment_method_types": list(types.values()),
        "processing": None,
        "setup_future_usage": None,
        "status": "requires_confirmation" if parameters.get("payment_method") else "requires_payment_method",
        **{name: parameters.get(name) for name in _PLAIN},
    }


def _automatic(parameters: JsonObject) -> JsonObject | None:
    given = parameters.get("automatic_payment_methods")
    if given is None:
        return None
    return {"allow_redirects": given.get("allow_redirects", "always"), "enabled": given.get("enabled") == "true"}


def _confirm(outcome: Outcome, payment_method: str, *, is_strict: bool) -> None:
    intent = outcome.subject
    if cards.needs_authentication(payment_method) and not is_strict:
        intent.update(status="requires_action", next_action={"type": "use_stripe_sdk", "use_stripe_sdk": {}})
        outcome.event_types.append("payment_intent.requires_action")
        return
    decline = cards.decline_of(payment_method)
    if cards.needs_authentication(payment_method):
        message = "This payment required an authentication action to complete, but `error_on_requires_action` was set."
        decline = {"code": "authentication_required", "decline_code": "authentication_not_handled", "message": message}
    intent["latest_charge"] = f"ch_{secrets.token_hex(12)}"
    if decline is not None:
        _decline(outcome, payment_method, decline)
    elif intent["capture_method"] == "manual":
        intent.update(status="requires_capture", amount_capturable=intent["amount"])
        outcome.event_types.append("payment_intent.amount_capturable_updated")
    else:
        intent.update(status="succeeded", amount_received=intent["amount"])
        outcome.event_types.append("payment_intent.succeeded")


def _decline(outcome: Outcome, payment_method: str, decline: dict[str, str | None]) -> None:
    intent = outcome.subject
    method = {"id": payment_method, "object": "payment_method", "type": "card"}
    error = {"type": "card_error", "charge": intent["latest_charge"], **decline, "payment_method": method}
    intent.update(status="requires_payment_method", payment_method=None, last_payment_error=error)
    outcome.event_types.append("payment_intent.payment_failed")
    outcome.failure = StripeFailure(402, is_execution=True, **error, payment_intent=copy.deepcopy(intent))
