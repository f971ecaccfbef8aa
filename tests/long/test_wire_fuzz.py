"""Messages and frames that nobody meant, by the thousand, against the real services: no server fails, and none of them grows."""

import asyncio
import os
import random

import pytest

from demo.journey.scene import Doors
from mesh import contract
from mesh.contract import MethodContract
from mesh.local.stack import SERVICES, Stack
from tests.long.conftest import Known
from tests.support.bombardment import bombard

pytestmark = pytest.mark.long

MESSAGES = int(os.environ.get("FUZZ_MESSAGES", "6000"))
UNARY = [method for method in contract.methods() if method.is_edge and not method.is_server_streaming]
SERVERS_FAULT = {"INTERNAL", "UNKNOWN", "UNAVAILABLE", "DATA_LOSS", "UNIMPLEMENTED"}
MOST_GROWTH_MB = 25.0


@pytest.mark.timeout(600)
def test_no_message_makes_a_service_fail_or_grow(stack: Stack, doors: Doors, known: Known) -> None:
    def token_for(method: MethodContract) -> str:
        return known.tokens[next((role for role in ("customer", "provider", "admin") if role in method.roles), "customer")]

    times = -(-MESSAGES // 2 // (3 * len(UNARY)))
    address = doors.edge_url.removeprefix("http://")
    before: dict[str, float] = {}
    for turn in range(2):  # the first one fills caches and pools
        seen = asyncio.run(bombard(address, UNARY, token_for, times, random.Random(turn)))
        failed = {what: count for what, count in seen.items() if what[2] in SERVERS_FAULT and what[0] != "broken frame"}
        assert not failed
        # what says that it is compressed and not how is INTERNAL by gRPC's own rule, before it reaches a service
        assert not {what: count for what, count in seen.items() if what[2] in SERVERS_FAULT - {"INTERNAL"}}
        now = {name: megabytes for name, megabytes in stack.resident_mb().items() if name in SERVICES}
        assert all(now[name] - before.get(name, now[name]) < MOST_GROWTH_MB for name in now), (before, now)
        before = now
    assert stack.crashed() == {}
