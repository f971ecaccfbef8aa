"""The messages of requests and offers."""

from marketplace.booking.v1 import request_service_pb2 as pb

from services.booking.model.matching import Candidate
from services.booking.model.period import Period
from services.booking.model.request import Offer, ServiceRequest
from services.booking.wire.common import read_duration, read_time, write_money, write_place, write_time


def read_period(request: pb.CreateServiceRequestRequest) -> Period:
    """When the service should take place, not checked."""
    start = read_time(request.start_time)
    return Period(start, start + read_duration(request.duration))


def write_request(request: ServiceRequest) -> pb.ServiceRequest:
    """A request as its customer sees it; how it is paid is not told."""
    return pb.ServiceRequest(
        request_id=request.request_id,
        customer_id=request.customer_id,
        category_id=request.category_id,
        start_time=write_time(request.period.start),
        end_time=write_time(request.period.end),
        place=write_place(request.place),
        note=request.note,
        state=pb.RequestState.Value(f"REQUEST_STATE_{request.state}"),
        candidates=[_write_candidate(candidate) for candidate in request.candidates],
        booking_id=request.booking_id,
    )


def write_offer(offer: Offer) -> pb.Offer:
    """An offer as its provider sees it: how far away, but not where."""
    return pb.Offer(
        offer_id=offer.offer_id,
        request_id=offer.request_id,
        provider_id=offer.provider_id,
        category_id=offer.category_id,
        start_time=write_time(offer.period.start),
        end_time=write_time(offer.period.end),
        price=write_money(offer.price),
        net=write_money(offer.net),
        distance_meters=offer.distance_meters,
        note=offer.note,
        state=pb.OfferState.Value(f"OFFER_STATE_{offer.state}"),
        expire_time=write_time(offer.expire_time),
        booking_id=offer.booking_id,
    )


def _write_candidate(candidate: Candidate) -> pb.Candidate:
    reasons = [
        pb.MatchReason(criterion=each.criterion, score=each.score, weight=each.weight, fact=each.fact)
        for each in candidate.reasons
    ]
    return pb.Candidate(
        provider_id=candidate.provider_id,
        display_name=candidate.display_name,
        price=write_money(candidate.price),
        distance_meters=candidate.distance_meters,
        score=candidate.score,
        reasons=reasons,
        is_offered=candidate.is_offered,
    )
