"""marketplace.booking.v1.RequestService."""

from marketplace.booking.v1 import request_service_pb2 as pb
from marketplace.booking.v1.request_service_pb2_grpc import RequestServiceServicer

from mesh.call import Context, current_account, idempotent_id
from services.booking.ports import Ports
from services.booking.wire.bookings import write_booking
from services.booking.wire.common import read_page, read_place, write_page
from services.booking.wire.requests import read_period, write_offer, write_request
from services.booking.workflows.accept_offer import accept_offer
from services.booking.workflows.create_request import Order, create_request
from services.booking.workflows.decline_offer import decline_offer
from services.booking.workflows.find_request import find_own_request


class RequestServicer(RequestServiceServicer):
    """What customers ask for, and the offers that providers get of it."""

    def __init__(self, ports: Ports) -> None:
        self._ports = ports

    async def CreateServiceRequest(
        self, request: pb.CreateServiceRequestRequest, _context: Context
    ) -> pb.CreateServiceRequestResponse:
        order = Order(
            customer_id=current_account().account_id,
            category_id=request.category_id,
            period=read_period(request),
            place=read_place(request.place),
            note=request.note,
            payment_method=request.payment_method,
        )
        created = await create_request(self._ports, order, idempotent_id("req"))
        return pb.CreateServiceRequestResponse(request=write_request(created))

    async def GetServiceRequest(self, request: pb.GetServiceRequestRequest, _context: Context) -> pb.GetServiceRequestResponse:
        found = await find_own_request(self._ports, request.request_id, current_account().account_id)
        return pb.GetServiceRequestResponse(request=write_request(found))

    async def ListOffers(self, request: pb.ListOffersRequest, _context: Context) -> pb.ListOffersResponse:
        after, limit = read_page(request.page)
        found = await self._ports.offers.page(current_account().account_id, after, limit + 1)
        offers, page = write_page([(offer.offer_id, offer) for offer in found], limit)
        return pb.ListOffersResponse(offers=[write_offer(offer) for offer in offers], page=page)

    async def AcceptOffer(self, request: pb.AcceptOfferRequest, _context: Context) -> pb.AcceptOfferResponse:
        provider_id = current_account().account_id
        booking = await accept_offer(self._ports, request.offer_id, provider_id)
        return pb.AcceptOfferResponse(booking=write_booking(booking, provider_id))

    async def DeclineOffer(self, request: pb.DeclineOfferRequest, _context: Context) -> pb.DeclineOfferResponse:
        offer = await decline_offer(self._ports, request.offer_id, current_account().account_id)
        return pb.DeclineOfferResponse(offer=write_offer(offer))
