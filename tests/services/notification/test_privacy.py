"""What notification holds of a person is gone after an erasure, and nothing is told to nobody."""

from marketplace.notification.v1 import privacy_service_pb2 as privacy_pb
from marketplace.notification.v1.privacy_service_pb2_grpc import PrivacyServiceStub
from marketplace.user.v1.events_pb2 import PersonErased

from services.notification.store import NotificationDocument
from tests.services.notification.support import Told, is_mailed


async def test_a_person_is_told_what_they_were_told(told: Told) -> None:
    await told.confirm()
    await told.inbox(told.customer, is_mailed)
    request = privacy_pb.ExportPersonRequest(account_id=told.customer.account_id)
    [record] = (await told.service.stub(PrivacyServiceStub, told.customer, "user").ExportPerson(request)).records
    assert (record.kind, record.data["title"]) == ("notifications", "Reserva confirmada")
    assert record.data["email_to"] == "pt-br@example.com"


async def test_inbox_and_address_of_an_erased_person_are_gone_and_nothing_more_is_taken(told: Told) -> None:
    await told.confirm()
    await told.inbox(told.customer, is_mailed)
    await told.inbox(told.provider, is_mailed)
    for _ in range(2):
        await told.service.deliver(PersonErased(account_id=told.customer.account_id))
    assert "pt-br@example.com" not in await told.service.stored()
    await told.confirm()
    await told.inbox(told.provider, lambda found: len(found.notifications) == 2)
    left = await told.service.runtime.database.collection(NotificationDocument).find({})
    assert {each.recipient_id for each in left} == {told.provider.account_id}
