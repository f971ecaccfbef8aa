"""Refresh tokens under races, on the real store: one successor, however many ask at once, and no fork ever."""

import asyncio

import pytest
from marketplace.auth.v1 import auth_service_pb2 as pb

from mesh.errors import Conflict, Unauthenticated, Unavailable
from tests.services.auth.support import AuthUnderTest

ROUNDS, AT_ONCE = 50, 20


async def refresh(auth: AuthUnderTest, token: str) -> str:
    return str((await auth.public.RefreshSession(pb.RefreshSessionRequest(refresh_token=token))).tokens.refresh_token)


async def test_twenty_refreshes_at_once_give_one_successor_in_each_of_fifty_rounds(auth: AuthUnderTest) -> None:
    token = (await auth.person()).tokens.refresh_token
    for _ in range(ROUNDS):
        answers = await asyncio.gather(*(refresh(auth, token) for _ in range(AT_ONCE)), return_exceptions=True)
        successors = {answer for answer in answers if isinstance(answer, str)}
        unexpected = [answer for answer in answers if not isinstance(answer, str | Conflict | Unavailable)]
        assert (len(successors), unexpected) == (1, [])
        assert successors != {token}
        [token] = successors


async def test_a_thief_and_the_owner_at_once_end_the_session_for_both(auth: AuthUnderTest) -> None:
    for number in range(5):
        first = (await auth.person(f"ana{number}@example.com")).tokens.refresh_token
        second = await refresh(auth, first)
        third = await refresh(auth, second)
        answers = await asyncio.gather(
            *(refresh(auth, token) for token in (first, third) * 5), return_exceptions=True
        )  # the owner may be served before the theft is noticed, and not after it
        assert any(isinstance(answer, Unauthenticated) for answer in answers)
        for token in {third, *(answer for answer in answers if isinstance(answer, str))}:
            with pytest.raises(Unauthenticated, match="REFRESH_TOKEN_INVALID"):
                await refresh(auth, token)
