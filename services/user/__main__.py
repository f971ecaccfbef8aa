"""Wires user together and runs it: `python -m services.user`."""

from marketplace.user.v1.address_service_pb2_grpc import add_AddressServiceServicer_to_server
from marketplace.user.v1.block_service_pb2_grpc import add_BlockServiceServicer_to_server
from marketplace.user.v1.favourite_service_pb2_grpc import add_FavouriteServiceServicer_to_server
from marketplace.user.v1.person_service_pb2_grpc import add_PersonServiceServicer_to_server
from marketplace.user.v1.privacy_service_pb2_grpc import add_PrivacyServiceServicer_to_server
from marketplace.user.v1.profile_service_pb2_grpc import add_ProfileServiceServicer_to_server
from marketplace.user.v1.review_moderation_service_pb2_grpc import add_ReviewModerationServiceServicer_to_server
from marketplace.user.v1.review_service_pb2_grpc import add_ReviewServiceServicer_to_server
from marketplace.user.v1.verification_service_pb2_grpc import add_VerificationServiceServicer_to_server

from mesh.runtime import Runtime, run
from mesh.settings import Settings
from mesh.storage.holdings import Holdings
from services.user.clients import PeersHoldings
from services.user.consumers import subscriptions
from services.user.holdings import HOLDINGS
from services.user.servicer.address import AddressServicer
from services.user.servicer.block import BlockServicer
from services.user.servicer.favourite import FavouriteServicer
from services.user.servicer.person import PersonServicer
from services.user.servicer.privacy import PrivacyServicer
from services.user.servicer.profile import ProfileServicer
from services.user.servicer.review import ReviewServicer
from services.user.servicer.review_moderation import ReviewModerationServicer
from services.user.servicer.verification import VerificationServicer
from services.user.store.documents import StoredDocuments
from services.user.store.engagements import StoredEngagements
from services.user.store.erasures import StoredErasures
from services.user.store.moderations import StoredModerations
from services.user.store.profiles import StoredProfiles
from services.user.store.ratings import StoredRatings
from services.user.store.relations import StoredBlocks, StoredFavourites
from services.user.store.reviews import StoredReviews
from services.user.workflows.addresses import AddressWorkflows
from services.user.workflows.engagements import EngagementWorkflows
from services.user.workflows.moderation import ModerationWorkflows
from services.user.workflows.privacy import PrivacyWorkflows
from services.user.workflows.profiles import ProfileWorkflows
from services.user.workflows.relations import BlockWorkflows, FavouriteWorkflows
from services.user.workflows.reviews import ReviewWorkflows
from services.user.workflows.verification import VerificationWorkflows

_SECONDS_BETWEEN_PUBLICATIONS = 60.0
_SECONDS_BETWEEN_WATCHES = 300.0


async def assemble(runtime: Runtime[Settings]) -> None:
    """Adds everything that user is made of."""
    database, clock = runtime.database, runtime.clock
    stored, ratings, engagements = StoredProfiles(database), StoredRatings(database), StoredEngagements(database)
    erasures = StoredErasures(database)
    profiles = ProfileWorkflows(database.transaction, stored, ratings, engagements, erasures)
    runtime.serve(add_ProfileServiceServicer_to_server, ProfileServicer(profiles))
    runtime.serve(add_PersonServiceServicer_to_server, PersonServicer(profiles))
    addresses = AddressWorkflows(database.transaction, stored)
    runtime.serve(add_AddressServiceServicer_to_server, AddressServicer(addresses))
    favourites = FavouriteWorkflows(database.transaction, stored, StoredFavourites(database), clock)
    runtime.serve(add_FavouriteServiceServicer_to_server, FavouriteServicer(favourites, profiles))
    blocks = BlockWorkflows(database.transaction, stored, StoredBlocks(database), clock)
    runtime.serve(add_BlockServiceServicer_to_server, BlockServicer(blocks))
    holdings = Holdings(database, HOLDINGS)
    privacy = PrivacyWorkflows(database.transaction, engagements, erasures, holdings.erase, clock)
    servicer = PrivacyServicer(privacy, holdings, PeersHoldings(runtime.channels).records)
    runtime.serve(add_PrivacyServiceServicer_to_server, servicer)
    runtime.consume(subscriptions(profiles, EngagementWorkflows(engagements), privacy))
    _add_reviews(runtime, ratings, engagements)
    _add_verification(runtime, stored)


def _add_reviews(runtime: Runtime[Settings], ratings: StoredRatings, engagements: StoredEngagements) -> None:
    database, clock = runtime.database, runtime.clock
    texts, moderations = StoredReviews(database), StoredModerations(database)
    reviews = ReviewWorkflows(database.transaction, engagements, texts, ratings, clock)
    moderation = ModerationWorkflows(database.transaction, texts, ratings, moderations, clock)
    runtime.serve(add_ReviewServiceServicer_to_server, ReviewServicer(reviews, moderation))
    runtime.serve(add_ReviewModerationServiceServicer_to_server, ReviewModerationServicer(moderation))
    runtime.every(_SECONDS_BETWEEN_PUBLICATIONS, "publish_due_reviews", reviews.publish_due)


def _add_verification(runtime: Runtime[Settings], profiles: StoredProfiles) -> None:
    database, clock = runtime.database, runtime.clock
    verification = VerificationWorkflows(database.transaction, profiles, StoredDocuments(database), clock)
    runtime.serve(add_VerificationServiceServicer_to_server, VerificationServicer(verification, clock))
    runtime.every(_SECONDS_BETWEEN_WATCHES, "watch_documents", verification.watch)


if __name__ == "__main__":
    run("user", assemble, Settings)
