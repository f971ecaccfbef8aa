"""Wires user together and runs it: `python -m services.user`."""

from marketplace.user.v1.profile_service_pb2_grpc import add_ProfileServiceServicer_to_server
from marketplace.user.v1.review_service_pb2_grpc import add_ReviewServiceServicer_to_server

from mesh.runtime import Runtime, run
from mesh.settings import Settings
from services.user.consumers import subscriptions
from services.user.servicer.profile import ProfileServicer
from services.user.servicer.review import ReviewServicer
from services.user.store import StoredPeople
from services.user.workflows.profiles import ProfileWorkflows
from services.user.workflows.reviews import ReviewWorkflows

_SECONDS_BETWEEN_PUBLICATIONS = 60.0


async def assemble(runtime: Runtime[Settings]) -> None:
    """Adds everything that user is made of."""
    store = StoredPeople(runtime.database)
    profiles, reviews = ProfileWorkflows(store), ReviewWorkflows(store, runtime.clock)
    runtime.serve(add_ProfileServiceServicer_to_server, ProfileServicer(profiles))
    runtime.serve(add_ReviewServiceServicer_to_server, ReviewServicer(reviews))
    runtime.consume(subscriptions(profiles, reviews))
    runtime.every(_SECONDS_BETWEEN_PUBLICATIONS, "publish_due_reviews", reviews.publish_due)


if __name__ == "__main__":
    run("user", assemble, Settings)
