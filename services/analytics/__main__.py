"""Wires analytics together and runs it: `python -m services.analytics`."""

from marketplace.analytics.v1.analytics_service_pb2_grpc import add_AnalyticsServiceServicer_to_server

from mesh.runtime import Runtime, run
from mesh.settings import Settings
from services.analytics.consumers import subscriptions
from services.analytics.servicer import AnalyticsServicer
from services.analytics.store import StoredFacts
from services.analytics.workflows import AnalyticsWorkflows


async def assemble(runtime: Runtime[Settings]) -> None:
    """Adds everything that analytics is made of."""
    workflows = AnalyticsWorkflows(StoredFacts(runtime.database))
    runtime.serve(add_AnalyticsServiceServicer_to_server, AnalyticsServicer(workflows))
    runtime.consume(subscriptions(workflows))


if __name__ == "__main__":
    run("analytics", assemble, Settings)
