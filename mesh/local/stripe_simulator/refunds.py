"""Refunds of PaymentIntents that were captured, whole or in parts."""

import secrets
import time

from mesh.local.stripe_simulator.failures import StripeFailure, invalid, no_such
from mesh.local.stripe_simulator.intents import TABLE as INTENTS
from mesh.local.stripe_simulator.intents import Outcome
from mesh.local.stripe_simulator.journal import Journal, JsonObject
from mesh.local.stripe_simulator.parameters import amount, one_of

TABLE = "refunds"
PARAMETERS = {"amount", "metadata", "payment_intent", "reason"}
_REASONS = ("", "duplicate", "fraudulent", "requested_by_customer")


class Refunds:
    """The calls on refunds. They change nothing: what they return is to be committed."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal

    def create(self, parameters: JsonObject) -> Outcome:
        """Gives back what was captured, or a part of it. Raises StripeFailure when there is not so much left to give back."""
        intent_id = parameters.get("payment_intent", "")
        reason = one_of(parameters, "reason", _REASONS)
        intent = self._journal.table(INTENTS).get(intent_id)
        if intent is None:
            raise no_such("payment_intent", intent_id, "payment_intent", 404)
        if intent["status"] != "succeeded":
            raise invalid(f"This PaymentIntent ({intent_id}) does not have a successful charge to refund.")
        given_back = sum(each["amount"] for each in self._journal.table(TABLE).values() if each["payment_intent"] == intent_id)
        left = intent["amount_received"] - given_back
        if left == 0:
            message = f"Charge {intent['latest_charge']} has already been refunded."
            raise StripeFailure(
                400, is_execution=True, type="invalid_request_error", code="charge_already_refunded", message=message
            )
        wanted = amount(parameters, "amount", left)
        if wanted > left:
            raise invalid(f"Refund amount ({wanted}) is greater than unrefunded amount on charge ({left})", param="amount")
        refund: JsonObject = {
            "id": f"re_{secrets.token_hex(12)}",
            "object": "refund",
            "amount": wanted,
            "charge": intent["latest_charge"],
            "created": int(time.time()),
            "currency": intent["currency"],
            "metadata": dict(parameters.get("metadata", {})),
            "payment_intent": intent_id,
            "reason": reason or None,
            "status": "succeeded",
        }
        return Outcome(TABLE, refund, ["refund.created"])
