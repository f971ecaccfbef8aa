"""The work itself, the money, and what the two say of each other."""

from collections import defaultdict
from typing import Any

from demo.journey.scene import Person, Scene, Step, expect

_RATING = 5


async def work(scene: Scene) -> None:
    """The work starts and completes; the payment is captured and every cent is in the ledger."""
    for action in ("start-work", "complete-work"):
        path = f"/v1/bookings/{scene.booking_id}:{action}"
        answer = await scene.rest.call("POST", path, {}, token=scene.provider.access_token)
        scene.booking = answer["booking"]
    expect(scene.booking["state"] == "BOOKING_STATE_COMPLETED", "the booking is completed")
    await scene.until(scene.payment_state, lambda state: state == "PAYMENT_STATE_CAPTURED", "the payment is captured")
    await scene.customer_live.wait_for("payment", booking_id=scene.booking_id, state="captured")
    path = f"/v1/bookings/{scene.booking_id}/ledger"
    ledger = await scene.rest.call("GET", path, token=scene.admin.access_token)
    _check_ledger(ledger["entries"], scene.booking)


def _check_ledger(entries: list[dict[str, Any]], booking: dict[str, Any]) -> None:
    balances: dict[str, int] = defaultdict(int)
    for entry in entries:
        amounts = [int(posting["amount"]["amount_minor"]) for posting in entry["postings"]]
        expect(sum(amounts) == 0, f"the entry {entry['kind']} sums to zero")
        for posting in entry["postings"]:
            balances[posting["account"]] += int(posting["amount"]["amount_minor"])
    price, commission, net = (int(booking[name]["amount_minor"]) for name in ("price", "commission", "net"))
    expect(price == commission + net, "the price is commission and net")
    expect(-balances["marketplace:commission"] == commission, f"the marketplace has earned its commission: {dict(balances)}")
    payable = -balances[f"provider:{booking['provider_id']}:payable"]
    expect(payable == net, f"the provider is owed the net: {dict(balances)}")


async def review(scene: Scene) -> None:
    """The reviews appear once both are in, and the provider's rating moves."""
    before = await _provider(scene)
    await scene.until(
        lambda: _submit(scene, scene.customer, "Quick and tidy."),
        lambda answer: "publish_time" not in answer["review"] or answer["review"]["publish_time"] is None,
        "the first review waits for the other",
    )
    hidden = await scene.rest.call("GET", _reviews(scene), token=scene.customer.access_token)
    expect(not hidden.get("reviews"), "nobody sees a review before both are in")
    expect((await _provider(scene))["rating_count"] == before["rating_count"], "the rating has not moved yet")
    answer = await _submit(scene, scene.provider, "Friendly, and the coffee was good.")
    expect(answer["review"].get("publish_time"), "the second review publishes both")
    after = await scene.until(
        lambda: _provider(scene), lambda found: found["rating_count"] == before["rating_count"] + 1, "the rating moves"
    )
    expect(after["rating"] == _RATING, "the rating is what was given")
    shown = await scene.rest.call("GET", _reviews(scene), token=scene.rival.access_token)
    expect([each["rating"] for each in shown["reviews"]] == [_RATING], "everybody sees the published review")


async def _submit(scene: Scene, person: Person, comment: str) -> dict[str, Any]:
    body = {"rating": _RATING, "comment": comment}
    return await scene.rest.call("POST", f"/v1/bookings/{scene.booking_id}/reviews", body, token=person.access_token)


async def _provider(scene: Scene) -> dict[str, Any]:
    path = f"/v1/providers/{scene.provider.account_id}"
    answer = await scene.rest.call("GET", path, token=scene.customer.access_token)
    provider: dict[str, Any] = answer["provider"]
    return provider


def _reviews(scene: Scene) -> str:
    return f"/v1/providers/{scene.provider.account_id}/reviews"


STEPS = (
    Step("Work starts and completes; payment is captured, the ledger balances", "REST", work),
    Step("Both review, double blind; the provider's rating moves", "REST", review),
)
