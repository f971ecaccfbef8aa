"""Wires user together and runs it: `python -m services.user`."""

from marketplace.user.v1.address_service_pb2_grpc import add_AddressServiceServicer_to_server
from marketplace.user.v1.block_service_pb2_grpc import add_BlockServiceServicer_to_server
from marketplace.user.v1.favourite_service_pb2_grpc import add_FavouriteServiceServicer_to_server
from marketplace.user.v1.person_service_pb2_grpc import add_PersonServiceServicer_to_server
from marketplace.user.v1.profile_service_pb2_grpc import add_ProfileServiceServicer_to_server
from marketplace.user.v1.review_moderation_service_pb2_grpc import add_ReviewModerationServiceServicer_to_server
from marketplace.user.v1.review_service_pb2_grpc import add_ReviewServiceServicer_to_server
from marketplace.user.v1.verification_service_pb2_grpc import add_VerificationServiceServicer_to_server

from mesh.runtime import Runtime, run
from mesh.settings import Settings
from services.user.consumers import subscriptions
from services.user.servicer.address import AddressServicer
from services.user.servicer.block import BlockServicer
from services.user.servicer.favourite import FavouriteServicer
from services.user.servicer.person import PersonServicer
from services.user.servicer.profile import ProfileServicer
from services.user.servicer.review import ReviewServicer
from services.user.servicer.review_moderation import ReviewModerationServicer
from services.user.servicer.verification import VerificationServicer
from services.user.store.documents import StoredDocuments
from services.user.store.engagements import StoredEngagements
from services.user.store.moderations import StoredModerations
from services.user.store.profiles import StoredProfiles
from services.user.store.ratings import StoredRatings
from services.user.store.relations import StoredBlocks, StoredFavourites
from services.user.store.reviews import StoredReviews
from services.user.workflows.addresses import AddressWorkflows
from services.user.workflows.engagements import EngagementWorkflows
from services.user.workflows.moderation import ModerationWorkflows
from services.user.workflows.profiles import ProfileWorkflows
from services.user.workflows.relations import BlockWorkflows, FavouriteWorkflows
from services.user.workflows.reviews import ReviewWorkflows
from services.user.workflows.verification import VerificationWorkflows

_SECONDS_BETWEEN_PUBLICATIONS = 60.0
_SECONDS_BETWEEN_WATCHES = 300.0


async def assemble(runtime: Runtime[Settings]) -> None:
    """Adds everything that user is made of."""
    database, transaction = runtime.database, runtime.database.transaction
    stored, ratings, engagements = StoredProfiles(database), StoredRatings(database), StoredEngagements(database)
    profiles = ProfileWorkflows(transaction, stored, ratings, engagements)
    texts, moderations = StoredReviews(database), StoredModerations(database)
    reviews = ReviewWorkflows(transaction, engagements, texts, ratings, runtime.clock)
    moderation = ModerationWorkflows(transaction, texts, ratings, moderations, runtime.clock)
    runtime.serve(add_ProfileServiceServicer_to_server, ProfileServicer(profiles))
    runtime.serve(add_PersonServiceServicer_to_server, PersonServicer(profiles))
    runtime.serve(add_AddressServiceServicer_to_server, AddressServicer(AddressWorkflows(transaction, stored)))
    runtime.serve(add_ReviewServiceServicer_to_server, ReviewServicer(reviews, moderation))
    runtime.serve(add_ReviewModerationServiceServicer_to_server, ReviewModerationServicer(moderation))
    favourites = FavouriteWorkflows(transaction, stored, StoredFavourites(database), runtime.clock)
    runtime.serve(add_FavouriteServiceServicer_to_server, FavouriteServicer(favourites, profiles))
    blocks = BlockWorkflows(transaction, stored, StoredBlocks(database), runtime.clock)
    runtime.serve(add_BlockServiceServicer_to_server, BlockServicer(blocks))
    verification = VerificationWorkflows(transaction, stored, StoredDocuments(database), runtime.clock)
    runtime.serve(add_VerificationServiceServicer_to_server, VerificationServicer(verification, runtime.clock))
    runtime.every(_SECONDS_BETWEEN_WATCHES, "watch_documents", verification.watch)
    runtime.consume(subscriptions(profiles, EngagementWorkflows(engagements)))
    runtime.every(_SECONDS_BETWEEN_PUBLICATIONS, "publish_due_reviews", reviews.publish_due)


if __name__ == "__main__":
    run("user", assemble, Settings)
