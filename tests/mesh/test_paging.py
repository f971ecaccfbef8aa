import pytest
from hypothesis import given
from hypothesis import strategies as st
from marketplace.common.v1.page_pb2 import PageRequest

from mesh.errors import InvalidInput
from mesh.paging import decode_cursor, encode_cursor, page_limit


@pytest.mark.parametrize("asked, given_", [(0, 20), (1, 1), (100, 100), (101, 100), (2**31 - 1, 100)])
def test_a_page_has_what_was_asked_for_within_bounds(asked: int, given_: int) -> None:
    assert page_limit(PageRequest(page_size=asked)) == given_


@given(st.lists(st.text(), max_size=4))
def test_a_cursor_names_what_it_was_made_of(parts: list[str]) -> None:
    token = encode_cursor(*parts)
    assert decode_cursor(token, len(parts)) == tuple(parts)
    assert token.isascii()


@given(st.text())
def test_no_token_of_anybody_elses_is_taken_nor_breaks_anything(token: str) -> None:
    with pytest.raises(InvalidInput, match="PAGE_TOKEN_INVALID"):
        decode_cursor(token, 9)


@pytest.mark.parametrize("token", [encode_cursor("a"), encode_cursor("a", "b", "c"), "WzEsMl0", "eyJhIjoxfQ", "W1" * 40, "WyJh"])
def test_a_token_with_other_parts_is_refused(token: str) -> None:
    with pytest.raises(InvalidInput, match="PAGE_TOKEN_INVALID"):
        decode_cursor(token, 2)


def test_a_token_nested_without_end_is_refused() -> None:
    import base64

    token = base64.urlsafe_b64encode(b"[" * 200_000).decode()
    with pytest.raises(InvalidInput, match="PAGE_TOKEN_INVALID"):
        decode_cursor(token, 1)
