"""Wires payment together and runs it: `python -m services.payment`."""

import asyncio

from marketplace.payment.v1.payment_service_pb2_grpc import add_PaymentServiceServicer_to_server
from marketplace.payment.v1.privacy_service_pb2_grpc import add_PrivacyServiceServicer_to_server

from mesh.runtime import Runtime, run
from mesh.storage.holdings import Holdings
from services.payment.clients import StripeProvider
from services.payment.consumers import subscriptions
from services.payment.holdings import HOLDINGS
from services.payment.servicer import PaymentServicer
from services.payment.servicer_privacy import PrivacyServicer
from services.payment.settings import PaymentSettings
from services.payment.store import StoredPayments
from services.payment.workflows import PaymentWorkflows

_SECONDS_BETWEEN_LOOKS = 1.0
_SECONDS_TO_COMMIT = 0.02  # what an event changed can be seen by then; when it takes longer, the next look sees it


async def assemble(runtime: Runtime[PaymentSettings]) -> None:
    """Adds everything that payment is made of."""
    settings = runtime.settings
    provider = StripeProvider(settings.stripe_api_key, settings.stripe_api_base, settings.stripe_webhook_secret)
    workflows = PaymentWorkflows(StoredPayments(runtime.database), provider, runtime.clock)
    runtime.serve(add_PaymentServiceServicer_to_server, PaymentServicer(workflows))
    wake = runtime.every(_SECONDS_BETWEEN_LOOKS, "close_open_payments", workflows.close_open)
    loop = asyncio.get_running_loop()
    holdings = Holdings(runtime.database, HOLDINGS)
    runtime.serve(add_PrivacyServiceServicer_to_server, PrivacyServicer(holdings))
    runtime.consume(subscriptions(workflows, lambda: loop.call_later(_SECONDS_TO_COMMIT, wake.set), holdings.erase))
    runtime.on_stop(provider.close)


if __name__ == "__main__":
    run("payment", assemble, PaymentSettings)
