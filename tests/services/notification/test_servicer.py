"""notification as its readers see it: each event is told once, in the reader's language, and mailed at most once."""

from typing import Any

from google.protobuf.timestamp_pb2 import Timestamp
from marketplace.chat.v1.events_pb2 import MessageSent
from marketplace.notification.v1 import inbox_service_pb2 as pb
from marketplace.notification.v1.inbox_service_pb2_grpc import InboxServiceStub
from marketplace.user.v1 import document_pb2 as documents
from marketplace.user.v1.events_pb2 import DocumentExpiring, DocumentStateChanged

from mesh.ids import new_id
from tests.services.notification.support import Told, is_mailed


async def test_both_are_told_in_their_language_and_mailed_once(told: Told) -> None:
    event, event_id = await told.confirm()
    await told.service.deliver(event, event_id)
    portuguese = (await told.inbox(told.customer, is_mailed)).notifications
    english = (await told.inbox(told.provider, is_mailed)).notifications
    assert [(each.type, each.title, each.booking_id) for each in portuguese] == [
        ("booking_confirmed", "Reserva confirmada", event.booking_id)
    ]
    assert [each.title for each in english] == ["Booking confirmed"]
    assert "1.234,50" in portuguese[0].body
    assert "14:00" in portuguese[0].body
    assert "1,234.50" in english[0].body
    assert sorted(str(mail["To"]) for mail in told.mail.taken) == ["en@example.com", "pt-br@example.com"]
    assert {str(mail["Message-ID"]) for mail in told.mail.taken} == {
        f"<{each.notification_id}@marketplace.example>" for each in (*portuguese, *english)
    }


async def test_mail_that_was_not_taken_is_queued_and_mail_refused_for_good_is_given_up(told: Told) -> None:
    told.mail.answers = ["451 try later", "554 never"]
    await told.confirm()

    def is_settled(answer: pb.ListNotificationsResponse) -> bool:
        return bool(answer.notifications) and not told.mail.answers

    states = {(await told.inbox(who, is_settled)).notifications[0].email_state for who in (told.customer, told.provider)}
    assert states <= {pb.EMAIL_STATE_QUEUED, pb.EMAIL_STATE_UNDELIVERED}
    assert told.mail.taken == []


async def test_chat_is_told_in_the_inbox_alone_and_can_be_read(told: Told) -> None:
    recipient_id = told.customer.account_id
    await told.service.deliver(MessageSent(booking_id=new_id("bkg"), message_id="msg_x", sequence=1, recipient_id=recipient_id))
    answer = await told.inbox(told.customer, lambda answer: answer.notifications)
    [notification] = answer.notifications
    assert (notification.type, notification.email_state, answer.unread_count) == ("message_sent", 0, 1)
    marking = pb.MarkNotificationsReadRequest(notification_ids=[notification.notification_id])
    assert (await told.service.stub(InboxServiceStub, told.provider).MarkNotificationsRead(marking)).read_count == 0
    assert (await told.service.stub(InboxServiceStub, told.customer).MarkNotificationsRead(marking)).read_count == 1
    assert (await told.inbox(told.customer, lambda answer: answer.notifications)).unread_count == 0
    assert told.mail.taken == []


async def test_providers_are_told_of_their_documents_in_their_language(told: Told) -> None:
    about: dict[str, Any] = {"account_id": told.provider.account_id, "document_id": new_id("doc")}
    kind = documents.DOCUMENT_KIND_IDENTITY
    for state in (documents.DOCUMENT_STATE_SUBMITTED, documents.DOCUMENT_STATE_APPROVED):
        await told.service.deliver(DocumentStateChanged(**about, kind=kind, state=state))
    await told.service.deliver(DocumentExpiring(**about, kind=kind, expire_time=Timestamp(seconds=1_900_000_000)))
    answer = await told.inbox(told.provider, lambda found: len(found.notifications) == 2 and is_mailed(found))
    assert {each.type for each in answer.notifications} == {"document_approved", "document_expiring"}
    assert {each.body for each in answer.notifications} == {
        "Your document (identity) was approved.",
        "Your document (identity) expires on March 17, 2030. Send a new one.",
    }
