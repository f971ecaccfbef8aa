"""Every method that needs a token, as everybody, by every door, on things in every state: the contract alone says who may."""

from collections import Counter

import pytest
from marketplace.mesh.v1 import policy_pb2

from mesh import contract
from mesh.contract import MethodContract
from mesh.local.stack import Stack
from tests.journeys.cast import THINGS, Cast
from tests.journeys.cells import CHANGING_THE_CAST, cells, try_all, turn, wrong
from tests.journeys.stored import changes, settled, stored
from tests.support.calls import DOORS, Caller

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(300)]

METHODS = [method for method in contract.methods() if method.is_edge and not method.is_public]
STANDING = [method for method in METHODS if method.name not in CHANGING_THE_CAST]
TRIED_BELOW = {"address_person", "anyone", "notification_recipient", "callers_own"}


async def test_every_owner_kind_of_the_contract_has_something_to_be_tried_on() -> None:
    kinds = {name.removeprefix("OWNER_KIND_").lower() for name in policy_pb2.OwnerKind.DESCRIPTOR.values_by_name}
    assert kinds - {"unspecified"} == (THINGS.keys() - {""}) | TRIED_BELOW
    assert {kind for method in METHODS for kind, _ in method.also_names} <= TRIED_BELOW


async def test_who_may_not_is_refused_as_if_there_were_nothing_and_nothing_has_changed(
    stack: Stack, cast: Cast, caller: Caller
) -> None:
    refused = [cell for cell in cells(cast, METHODS, DOORS) if cell.expected]
    assert {cell.expected for cell in refused} == {"UNAUTHENTICATED", "PERMISSION_DENIED", "NOT_FOUND"}
    before = await settled(stack, cast.ids)
    outcomes = await try_all(caller, cast, refused)
    assert wrong(outcomes) == []
    assert changes(before, await stored(stack, cast.ids)) == {}
    hidden = [cell for cell in refused if cell.expected == "NOT_FOUND"]
    nobodys = await try_all(caller, cast, hidden, is_made_up=True)
    assert [f"{cell}: {outcomes[cell]}, else {each}" for cell, each in nobodys.items() if each != outcomes[cell]] == []


async def test_nobody_marks_the_notifications_of_others(stack: Stack, cast: Cast, caller: Caller) -> None:
    method = contract.find_method("/marketplace.notification.v1.InboxService/MarkNotificationsRead")
    listed = await cast.scene.rest.call("GET", "/v1/notifications", token=cast.token("customer"))
    ids = [each["notification_id"] for each in listed["notifications"]]
    request = method.request(notification_ids=ids)
    before = await settled(stack, ids)
    assert before
    for who in cast.people.keys() - {"customer"}:
        for door in DOORS:
            assert (await caller.call(door, method, request, cast.token(who))).code == "OK"
    assert changes(before, await stored(stack, ids)) == {}
    await caller.call("gRPC", method, request, cast.token("customer"))
    assert changes(before, await stored(stack, ids)).keys() == before.keys()


async def test_nobody_removes_the_addresses_of_others(stack: Stack, cast: Cast, caller: Caller) -> None:
    method = contract.find_method("/marketplace.user.v1.AddressService/RemoveAddress")
    before = await settled(stack, [cast.address_id])
    assert before
    for who in cast.people.keys() - {"provider", "admin"}:
        for door in DOORS:
            assert (await caller.call(door, method, method.request(address_id=cast.address_id), cast.token(who))).code == "OK"
    assert changes(before, await stored(stack, [cast.address_id])) == {}


@pytest.mark.parametrize("method", [each for each in METHODS if each.websocket_path], ids=lambda method: method.name)
async def test_by_websocket_nobody_watches_what_is_not_theirs(cast: Cast, method: MethodContract) -> None:
    door = cells(cast, [method], ["WebSocket"])
    for cell in (cell for cell in door if cell.expected == "NOT_FOUND"):
        async with cast.scene.live(cast.people[cell.who]) as live:
            await live.watch(cell.thing.id)
            await live.wait_for("refused", reason="BOOKING_NOT_FOUND")


async def test_an_id_that_callers_make_up_means_something_to_each_of_them_alone(cast: Cast) -> None:
    said = []
    for who, state in (("customer", "confirmed"), ("provider", "confirmed"), ("customer", "on the way")):
        body = {"client_message_id": "the-same", "text": f"{who}, {state}"}
        path = f"/v1/bookings/{cast.bookings[state]}/messages"
        said.append((await cast.scene.rest.call("POST", path, body, token=cast.token(who)))["message"])
    assert len({message["message_id"] for message in said}) == 3
    assert [message["text"] for message in said] == ["customer, confirmed", "provider, confirmed", "customer, on the way"]


async def test_the_place_in_somebodys_list_leads_nobody_else_into_it(cast: Cast) -> None:
    lists = [method for method in METHODS if method.owner_kind == "self" and "page" in method.request.DESCRIPTOR.fields_by_name]
    assert lists
    for method in lists:
        path = f"{method.rest[0].path}?page.page_size=1"
        owner = "provider" if method.roles == {"provider"} else "customer"
        first = await cast.scene.rest.call("GET", path, token=cast.token(owner))
        path += f"&page.page_token={first['page']['next_page_token']}"
        assert first["page"]["next_page_token"]
        answer = await cast.scene.rest.send("GET", path, token=cast.token("stranger"))
        others = set(cast.ids) - {cast.people["stranger"].account_id}
        assert not others & set(_texts(answer.json())), method.path


async def test_who_may_is_let_through_by_every_door(cast: Cast, caller: Caller) -> None:
    allowed = [cell for cell in cells(cast, STANDING, DOORS) if not cell.expected]
    outcomes = await try_all(caller, cast, [cell for cell in allowed if not cell.method.has_side_effects])
    for cell in sorted((cell for cell in allowed if cell.method.has_side_effects), key=turn):
        outcomes |= await try_all(caller, cast, [cell])
    assert wrong(outcomes) == []
    succeeded = Counter(cell.method.path for cell, each in outcomes.items() if each.code == "OK")
    assert [method.path for method in STANDING if not succeeded[method.path]] == [], "what nobody succeeds with was not tried"


def _texts(value: object) -> list[str]:
    if isinstance(value, dict):
        return [text for each in value.values() for text in _texts(each)]
    if isinstance(value, list):
        return [text for each in value for text in _texts(each)]
    return [str(value)]
