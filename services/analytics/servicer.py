"""AnalyticsService: one short method per RPC. Who may ask is decided by the contract and enforced before it gets here."""

from marketplace.analytics.v1 import analytics_service_pb2 as pb
from marketplace.analytics.v1.analytics_service_pb2_grpc import AnalyticsServiceServicer

from mesh.call import Context
from services.analytics.wire import dashboard_to_wire, overview_to_wire
from services.analytics.workflows import AnalyticsWorkflows


class AnalyticsServicer(AnalyticsServiceServicer):
    """Decodes, calls the use case, encodes."""

    def __init__(self, workflows: AnalyticsWorkflows) -> None:
        self._workflows = workflows

    async def GetProviderDashboard(
        self, request: pb.GetProviderDashboardRequest, context: Context
    ) -> pb.GetProviderDashboardResponse:
        return dashboard_to_wire(await self._workflows.dashboard(request.provider_id))

    async def GetPlatformOverview(
        self, request: pb.GetPlatformOverviewRequest, context: Context
    ) -> pb.GetPlatformOverviewResponse:
        return overview_to_wire(await self._workflows.overview())
