"""Requests and offers."""

from datetime import datetime
from typing import Any

from mesh.storage.mongo import Database
from services.booking.model.matching import Candidate, MatchReason
from services.booking.model.money import Money
from services.booking.model.period import Period
from services.booking.model.place import Place
from services.booking.model.request import Offer, OfferState, RequestState, ServiceRequest
from services.booking.ports import Cursor
from services.booking.store.documents import OfferDocument, RequestDocument
from services.booking.store.pages import NEWEST_FIRST, after_cursor


class StoredRequests:
    """The customers' requests."""

    def __init__(self, database: Database) -> None:
        self._requests = database.collection(RequestDocument)

    async def find(self, request_id: str) -> ServiceRequest | None:
        document = await self._requests.get(request_id)
        return None if document is None else _request(document)

    async def add(self, request: ServiceRequest) -> None:
        await self._requests.insert(_request_document(request))

    async def put(self, request: ServiceRequest) -> None:
        await self._requests.replace(_request_document(request))


class StoredOffers:
    """The offers made to providers."""

    def __init__(self, database: Database) -> None:
        self._offers = database.collection(OfferDocument)

    async def find(self, offer_id: str) -> Offer | None:
        document = await self._offers.get(offer_id)
        return None if document is None else _offer(document)

    async def add(self, offer: Offer) -> None:
        await self._offers.insert(_offer_document(offer))

    async def put(self, offer: Offer) -> None:
        await self._offers.replace(_offer_document(offer))

    async def pending_of(self, request_id: str) -> list[Offer]:
        found = await self._offers.find({"request_id": request_id, "state": OfferState.PENDING.value}, sort=[("_id", 1)])
        return [_offer(document) for document in found]

    async def overdue(self, now: datetime, most: int) -> list[Offer]:
        query = {"state": OfferState.PENDING.value, "expire_time": {"$lte": now}}
        return [_offer(document) for document in await self._offers.find(query, sort=[("expire_time", 1)], limit=most)]

    async def page(self, provider_id: str, after: Cursor | None, most: int) -> list[Offer]:
        query = {"provider_id": provider_id, **after_cursor(after)}
        return [_offer(document) for document in await self._offers.find(query, sort=NEWEST_FIRST, limit=most)]


def _request_document(request: ServiceRequest) -> RequestDocument:
    return RequestDocument(
        id=request.request_id,
        version=request.version,
        customer_id=request.customer_id,
        category_id=request.category_id,
        start=request.period.start,
        end=request.period.end,
        latitude=request.place.latitude,
        longitude=request.place.longitude,
        note=request.note,
        payment_method=request.payment_method,
        create_time=request.create_time,
        state=request.state.value,
        candidates=[_candidate_values(candidate) for candidate in request.candidates],
        booking_id=request.booking_id,
    )


def _request(document: RequestDocument) -> ServiceRequest:
    return ServiceRequest(
        request_id=document.id,
        version=document.version,
        customer_id=document.customer_id,
        category_id=document.category_id,
        period=Period(document.start, document.end),
        place=Place(document.latitude, document.longitude),
        note=document.note,
        payment_method=document.payment_method,
        create_time=document.create_time,
        state=RequestState(document.state),
        candidates=tuple(_candidate(values) for values in document.candidates),
        booking_id=document.booking_id,
    )


def _candidate_values(candidate: Candidate) -> dict[str, Any]:
    return {
        "provider_id": candidate.provider_id,
        "display_name": candidate.display_name,
        "currency_code": candidate.price.currency_code,
        "price_minor": candidate.price.amount_minor,
        "commission_minor": candidate.commission.amount_minor,
        "distance_meters": candidate.distance_meters,
        "score": candidate.score,
        "reasons": [[each.criterion, each.score, each.weight, each.fact] for each in candidate.reasons],
        "is_offered": candidate.is_offered,
        "is_passed_over": candidate.is_passed_over,
    }


def _candidate(values: dict[str, Any]) -> Candidate:
    currency_code = values["currency_code"]
    return Candidate(
        provider_id=values["provider_id"],
        display_name=values["display_name"],
        price=Money(currency_code, values["price_minor"]),
        commission=Money(currency_code, values["commission_minor"]),
        distance_meters=values["distance_meters"],
        score=values["score"],
        reasons=tuple(MatchReason(*reason) for reason in values["reasons"]),
        is_offered=values["is_offered"],
        is_passed_over=values["is_passed_over"],
    )


def _offer_document(offer: Offer) -> OfferDocument:
    return OfferDocument(
        id=offer.offer_id,
        version=offer.version,
        request_id=offer.request_id,
        customer_id=offer.customer_id,
        provider_id=offer.provider_id,
        category_id=offer.category_id,
        start=offer.period.start,
        end=offer.period.end,
        currency_code=offer.price.currency_code,
        price_minor=offer.price.amount_minor,
        commission_minor=offer.commission.amount_minor,
        distance_meters=offer.distance_meters,
        note=offer.note,
        create_time=offer.create_time,
        expire_time=offer.expire_time,
        state=offer.state.value,
        booking_id=offer.booking_id,
    )


def _offer(document: OfferDocument) -> Offer:
    return Offer(
        version=document.version,
        request_id=document.request_id,
        customer_id=document.customer_id,
        provider_id=document.provider_id,
        category_id=document.category_id,
        period=Period(document.start, document.end),
        price=Money(document.currency_code, document.price_minor),
        commission=Money(document.currency_code, document.commission_minor),
        distance_meters=document.distance_meters,
        note=document.note,
        create_time=document.create_time,
        expire_time=document.expire_time,
        state=OfferState(document.state),
        booking_id=document.booking_id,
    )
