"""Wires booking together and runs it."""

from datetime import timedelta
from functools import partial

from marketplace.booking.v1.booking_service_pb2_grpc import add_BookingServiceServicer_to_server
from marketplace.booking.v1.catalog_service_pb2_grpc import add_CatalogServiceServicer_to_server
from marketplace.booking.v1.privacy_service_pb2_grpc import add_PrivacyServiceServicer_to_server
from marketplace.booking.v1.request_service_pb2_grpc import add_RequestServiceServicer_to_server

from mesh.runtime import Runtime, run
from mesh.storage.holdings import Holdings
from services.booking.clients import PaymentClient, UserClient
from services.booking.consumers import subscriptions
from services.booking.holdings import HOLDINGS
from services.booking.ports import Ports, Terms
from services.booking.servicer.bookings import BookingServicer
from services.booking.servicer.catalog import CatalogServicer
from services.booking.servicer.privacy import PrivacyServicer
from services.booking.servicer.requests import RequestServicer
from services.booking.settings import BookingSettings
from services.booking.store.areas import GeoAreas
from services.booking.store.blocks import StoredBlocks
from services.booking.store.bookings import StoredBookings
from services.booking.store.calendars import StoredCalendars
from services.booking.store.catalog import StoredOfferings, StoredProviders
from services.booking.store.outbox import PublishedFacts
from services.booking.store.requests import StoredOffers, StoredRequests
from services.booking.workflows.decline_offer import expire_offers
from services.booking.workflows.settle_payment import pursue_payments


async def assemble(runtime: Runtime[BookingSettings]) -> None:
    """Adds everything that booking serves, listens to and looks after."""
    settings, database = runtime.settings, runtime.database
    areas = GeoAreas(runtime.redis, database, f"{settings.mongo_database_prefix}booking:")
    terms = Terms(
        commission_basis_points=settings.commission_basis_points,
        offer_timeout=timedelta(seconds=settings.offer_timeout_seconds),
        payment_timeout=timedelta(seconds=settings.payment_timeout_seconds),
        payment_retry=timedelta(seconds=settings.payment_retry_seconds),
    )
    providers, calendars = StoredProviders(database), StoredCalendars(database)
    stores = (StoredOfferings(database), areas, providers, StoredBlocks(database), calendars, StoredRequests(database))
    offers, bookings, facts = StoredOffers(database), StoredBookings(database), PublishedFacts(database)
    payments, directory = PaymentClient(runtime.channels), UserClient(runtime.channels)
    ports = Ports(runtime.clock, terms, database.transaction, *stores, offers, bookings, facts, payments, directory)
    runtime.serve(add_CatalogServiceServicer_to_server, CatalogServicer(ports))
    runtime.serve(add_RequestServiceServicer_to_server, RequestServicer(ports))
    runtime.serve(add_BookingServiceServicer_to_server, BookingServicer(ports))
    holdings = Holdings(database, HOLDINGS)
    runtime.serve(add_PrivacyServiceServicer_to_server, PrivacyServicer(holdings))
    runtime.consume(subscriptions(ports, holdings.erase))
    runtime.every(settings.sweep_seconds, "expire offers", partial(expire_offers, ports))
    runtime.every(settings.sweep_seconds, "pursue payments", partial(pursue_payments, ports))
    runtime.every(settings.sweep_seconds, "index areas", areas.add_missing)


if __name__ == "__main__":
    run("booking", assemble, BookingSettings)
