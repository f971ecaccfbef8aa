"""The rules of refresh tokens, without a database."""

from datetime import UTC, datetime, timedelta

import pytest

from mesh.errors import Unauthenticated
from services.auth.model.accounts import Role
from services.auth.model.sessions import RETRY_WINDOW, Session

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)
SESSION = Session("ses_1", "acc_1", (Role.CUSTOMER,), NOW + timedelta(days=30))


def test_the_working_token_moves_the_session_on() -> None:
    assert SESSION.refreshed(1, NOW).generation == 2


def test_a_retry_within_the_window_gets_the_same_successor() -> None:
    moved = SESSION.refreshed(1, NOW)
    assert moved.refreshed(1, NOW + RETRY_WINDOW) is moved


def test_a_retry_after_the_window_is_reuse() -> None:
    moved = SESSION.refreshed(1, NOW)
    late = NOW + RETRY_WINDOW + timedelta(milliseconds=1)
    assert moved.is_reuse(1, late)
    with pytest.raises(Unauthenticated):
        moved.refreshed(1, late)


def test_a_token_of_the_future_is_not_reuse_and_does_not_work() -> None:
    assert not SESSION.is_reuse(2, NOW)
    with pytest.raises(Unauthenticated):
        SESSION.refreshed(2, NOW)


def test_an_expired_session_is_over() -> None:
    with pytest.raises(Unauthenticated):
        SESSION.refreshed(1, NOW + timedelta(days=30))
