"""Which passwords are refused: what everybody tries first, and what everybody knows of the person."""

import pytest

from mesh.errors import InvalidInput
from services.auth.model.accounts import check_not_personal
from services.auth.passwords import ArgonPasswords


@pytest.fixture(scope="module")
def passwords() -> ArgonPasswords:
    return ArgonPasswords()


@pytest.mark.parametrize(
    "password",
    [
        "1234567890",
        "Password123",
        "aaaaaaaaaaaa",
        "senha12345",
        "qwertyuiop",
        "iloveyou12",
        "p@ssw0rd123",
        "marketplace1",
        "x" * 128,
    ],
)
async def test_what_is_guessed_soon_is_refused(passwords: ArgonPasswords, password: str) -> None:
    with pytest.raises(InvalidInput, match="PASSWORD_TOO_COMMON"):
        await passwords.require_uncommon(password)


@pytest.mark.parametrize(
    "password", ["nine purple lamps", "correct horse battery staple", "demo password 2026", "zT7#qLw9!x", "уж замуж невтерпеж"]
)
async def test_what_takes_long_to_guess_is_taken(passwords: ArgonPasswords, password: str) -> None:
    await passwords.require_uncommon(password)


@pytest.mark.parametrize(
    "password", ["ana.silva1990", "AnaMariaSilva", "silva@example", "Conceição Silva", "conceicao99", "maria-conceicao!"]
)
def test_what_is_made_of_name_and_address_is_refused(password: str) -> None:
    with pytest.raises(InvalidInput, match="PASSWORD_TOO_PERSONAL"):
        check_not_personal(password, "ana.silva@example.com", "Ana Maria Conceição")


@pytest.mark.parametrize("password", ["nine purple lamps", "banana bread at noon", "the silva family boat"])
def test_a_name_within_something_longer_is_no_harm(password: str) -> None:
    check_not_personal(password, "ana.silva@example.com", "Ana Maria Conceição")
