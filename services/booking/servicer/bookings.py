"""marketplace.booking.v1.BookingService."""

from marketplace.booking.v1 import booking_service_pb2 as pb
from marketplace.booking.v1.booking_service_pb2_grpc import BookingServiceServicer

from mesh.call import Context, current_account
from services.booking.model.booking import Action
from services.booking.ports import Ports
from services.booking.wire.bookings import write_booking, write_participation
from services.booking.wire.common import read_page, write_page
from services.booking.workflows.move_booking import find_booking, find_own_booking, move_booking


class BookingServicer(BookingServiceServicer):
    """Bookings, from acceptance to the end."""

    def __init__(self, ports: Ports) -> None:
        self._ports = ports

    async def GetBooking(self, request: pb.GetBookingRequest, _context: Context) -> pb.GetBookingResponse:
        account_id = current_account().account_id
        booking = await find_own_booking(self._ports, request.booking_id, account_id)
        return pb.GetBookingResponse(booking=write_booking(booking, account_id))

    async def ListBookings(self, request: pb.ListBookingsRequest, _context: Context) -> pb.ListBookingsResponse:
        account_id = current_account().account_id
        after, limit = read_page(request.page)
        found = await self._ports.bookings.page(account_id, after, limit + 1)
        bookings, page = write_page([(booking.booking_id, booking) for booking in found], limit)
        return pb.ListBookingsResponse(bookings=[write_booking(booking, account_id) for booking in bookings], page=page)

    async def StartTravel(self, request: pb.StartTravelRequest, _context: Context) -> pb.StartTravelResponse:
        return pb.StartTravelResponse(booking=await self._move(request.booking_id, Action.START_TRAVEL))

    async def StartWork(self, request: pb.StartWorkRequest, _context: Context) -> pb.StartWorkResponse:
        return pb.StartWorkResponse(booking=await self._move(request.booking_id, Action.START_WORK))

    async def CompleteWork(self, request: pb.CompleteWorkRequest, _context: Context) -> pb.CompleteWorkResponse:
        return pb.CompleteWorkResponse(booking=await self._move(request.booking_id, Action.COMPLETE_WORK))

    async def CancelBooking(self, request: pb.CancelBookingRequest, _context: Context) -> pb.CancelBookingResponse:
        return pb.CancelBookingResponse(booking=await self._move(request.booking_id, Action.CANCEL, request.reason))

    async def GetParticipation(self, request: pb.GetParticipationRequest, _context: Context) -> pb.GetParticipationResponse:
        account = current_account()
        if "admin" in account.roles:
            booking = await find_booking(self._ports, request.booking_id)
        else:
            booking = await find_own_booking(self._ports, request.booking_id, account.account_id)
        return write_participation(booking)

    async def _move(self, booking_id: str, action: Action, reason: str = "") -> pb.Booking:
        account_id = current_account().account_id
        return write_booking(await move_booking(self._ports, booking_id, action, account_id, reason), account_id)
