"""What payment holds of a person: their payments without secrets, and the ledger, which the law wants kept, after an erasure."""

from marketplace.common.v1.personal_record_pb2 import PersonalRecord
from marketplace.payment.v1 import payment_service_pb2 as pb
from marketplace.payment.v1 import privacy_service_pb2 as privacy_pb
from marketplace.payment.v1.privacy_service_pb2_grpc import PrivacyServiceStub
from marketplace.user.v1.events_pb2 import PersonErased

from tests.services.payment.bench import PRICE, Bench


async def test_a_person_is_told_of_their_payments_without_the_means_of_payment(bench: Bench) -> None:
    await bench.authorize()
    for who, kind in ((bench.customer, "payments"), (bench.provider, "payments received")):
        request = privacy_pb.ExportPersonRequest(account_id=who.account_id)
        stub = bench.service.stub(PrivacyServiceStub, who, "user")
        found: list[PersonalRecord] = []
        token = ""
        while not found or token:
            request.page_token = token
            answer = await stub.ExportPerson(request)
            found, token = [*found, *answer.records], answer.next_page_token
        assert [(each.kind, each.data["amount"]) for each in found] == [(kind, PRICE)]
        assert not {"payment_method", "intent_id"} & dict(found[0].data).keys()


async def test_an_erasure_takes_the_means_of_payment_and_leaves_the_ledger(bench: Bench) -> None:
    payment = await bench.authorize()
    assert "pm_card" in await bench.service.stored()
    before = await bench.ledger()
    for _ in range(2):
        await bench.service.deliver(PersonErased(account_id=bench.customer.account_id))
    assert "pm_card" not in await bench.service.stored()
    assert await bench.ledger() == before
    assert payment.state == pb.PAYMENT_STATE_AUTHORIZED
