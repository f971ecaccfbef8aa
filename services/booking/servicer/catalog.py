"""marketplace.booking.v1.CatalogService."""

from marketplace.booking.v1 import catalog_service_pb2 as pb
from marketplace.booking.v1.catalog_service_pb2_grpc import CatalogServiceServicer

from mesh.call import Context, current_account
from services.booking.model.categories import CATEGORIES
from services.booking.ports import Ports
from services.booking.wire import catalog as wire
from services.booking.workflows.catalog import list_free_slots, set_offering, set_weekly_hours


class CatalogServicer(CatalogServiceServicer):
    """What can be booked."""

    def __init__(self, ports: Ports) -> None:
        self._ports = ports

    async def ListCategories(self, _request: pb.ListCategoriesRequest, _context: Context) -> pb.ListCategoriesResponse:
        return pb.ListCategoriesResponse(categories=[wire.write_category(category) for category in CATEGORIES])

    async def SetOffering(self, request: pb.SetOfferingRequest, _context: Context) -> pb.SetOfferingResponse:
        offering = await set_offering(self._ports, wire.read_offering(request, current_account().account_id))
        return pb.SetOfferingResponse(offering=wire.write_offering(offering))

    async def ListMyOfferings(self, _request: pb.ListMyOfferingsRequest, _context: Context) -> pb.ListMyOfferingsResponse:
        offerings = await self._ports.offerings.of_provider(current_account().account_id)
        return pb.ListMyOfferingsResponse(offerings=[wire.write_offering(offering) for offering in offerings])

    async def SetWeeklyHours(self, request: pb.SetWeeklyHoursRequest, _context: Context) -> pb.SetWeeklyHoursResponse:
        provider_id = current_account().account_id
        hours = await set_weekly_hours(self._ports, provider_id, request.time_zone, wire.read_intervals(request))
        return wire.write_hours(hours)

    async def ListFreeSlots(self, request: pb.ListFreeSlotsRequest, _context: Context) -> pb.ListFreeSlotsResponse:
        slots = await list_free_slots(self._ports, request.provider_id, wire.read_period(request))
        return pb.ListFreeSlotsResponse(slots=[wire.write_slot(slot) for slot in slots])
