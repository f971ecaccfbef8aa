"""Messages and frames that nobody meant: the caller's fault or a protocol error, never the server's. The long one: tests/long."""

import random

import pytest

from mesh import contract
from tests.gateway.edge import Edge
from tests.support.bombardment import bombard

pytestmark = pytest.mark.asyncio(loop_scope="package")

UNARY = [method for method in contract.methods() if method.is_edge and not method.is_server_streaming]
GET_PROFILE = contract.find_method("/marketplace.user.v1.ProfileService/GetMyProfile")


async def test_no_message_makes_a_server_fail_and_no_broken_one_reaches_a_handler(edge: Edge) -> None:
    token = edge.bearer()["authorization"].removeprefix("Bearer ")
    seen = await bombard(edge.settings.listen, UNARY, lambda _: token, 2, random.Random(20261125))
    ended = {(kind, code) for kind, _, code in seen}
    assert {code for kind, code in ended if kind != "broken frame"} <= {
        "OK",
        "INVALID_ARGUMENT",
        "RESOURCE_EXHAUSTED",
        "NOT_FOUND",
    }
    # INTERNAL is what gRPC itself demands for a message that says it is compressed without saying how [gRPC compression].
    assert {code for kind, code in ended if kind == "broken frame"} <= {
        *("OK", "INVALID_ARGUMENT", "RESOURCE_EXHAUSTED", "NOT_FOUND", "DEADLINE_EXCEEDED", "INTERNAL")
    }
    assert seen.total() == 3 * 2 * len(UNARY)


async def test_a_message_that_says_it_is_compressed_and_not_how_is_the_only_internal_and_reaches_no_handler(edge: Edge) -> None:
    outcome = await edge.web(GET_PROFILE.path, edge.bearer(), body=b"\1\0\0\0\3abc")
    assert (outcome.code, outcome.reason) == ("INTERNAL", "")
    assert edge.backends.reached_paths() == []
