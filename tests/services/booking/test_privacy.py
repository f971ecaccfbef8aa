"""What booking holds of a person: told to them, and without note, place and name after an erasure."""

from marketplace.booking.v1 import privacy_service_pb2 as privacy_pb
from marketplace.booking.v1.privacy_service_pb2_grpc import PrivacyServiceStub
from marketplace.user.v1.events_pb2 import PersonErased

from mesh.call import Account
from tests.services.booking.support import HERE, Stage


async def exported(stage: Stage, who: Account) -> dict[str, list[dict[str, object]]]:
    stub, token = stage.service.stub(PrivacyServiceStub, who, "user"), ""
    found: dict[str, list[dict[str, object]]] = {}
    while not found or token:
        request = privacy_pb.ExportPersonRequest(account_id=who.account_id, page_token=token)
        answer = await stub.ExportPerson(request)
        for record in answer.records:
            found.setdefault(record.kind, []).append(dict(record.data))
        found.setdefault("", [])
        token = answer.next_page_token
    return {kind: records for kind, records in found.items() if records}


async def test_each_is_told_their_part_of_a_booking(stage: Stage) -> None:
    _, provider = await stage.book()
    own, others = await exported(stage, stage.customer), await exported(stage, provider)
    assert own.keys() == {"requests", "bookings"}
    assert (own["requests"][0]["note"], own["requests"][0]["latitude"]) == ("ring twice", HERE.latitude)
    assert others.keys() == {"offers", "bookings", "offerings", "provider"}
    for told in (own, others):
        assert "pm_test" not in str(told)
    assert "latitude" not in others["bookings"][0]


async def test_of_an_erased_customer_neither_note_nor_place_nor_means_of_payment_are_left(stage: Stage) -> None:
    await stage.book()
    for _ in range(2):
        await stage.service.deliver(PersonErased(account_id=stage.customer.account_id))
    offerings = "\n".join(line for line in (await stage.service.stored()).splitlines() if not line.startswith("offerings"))
    for trace in ("ring twice", "pm_test", str(HERE.latitude)):
        assert trace not in offerings


async def test_an_erased_provider_is_nameless_and_matched_no_more(stage: Stage) -> None:
    booking, provider = await stage.book()
    stage.user.names[provider.account_id] = "Quintessa"
    other = await stage.provider()
    await stage.ask(stage.noon(2))
    assert "Quintessa" in await stage.service.stored()
    await stage.service.deliver(PersonErased(account_id=provider.account_id))
    left = [line for line in (await stage.service.stored()).splitlines() if not line.startswith("idempotency")]
    assert "Quintessa" not in "".join(left), "but for answers to others, which are kept for a day"
    assert [each.provider_id for each in (await stage.ask(stage.noon(3))).candidates] == [other.account_id]
    assert await stage.state(booking) == "CONFIRMED", "what was done stays"
