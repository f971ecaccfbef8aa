"""A person's address book: not empty, it has exactly one default, which stands first."""

from collections.abc import Sequence
from dataclasses import dataclass

from mesh.errors import LimitReached, NotFound

MOST_ADDRESSES = 20

Book = tuple["Address", ...]


@dataclass(frozen=True, slots=True)
class Place:
    """Where something is, as it is written on an envelope, and on the map (degrees, if that is known)."""

    street: str
    city: str
    country_code: str
    complement: str = ""
    district: str = ""
    region: str = ""
    postal_code: str = ""
    latitude: float | None = None
    longitude: float | None = None


@dataclass(frozen=True, slots=True)
class Address:
    """One entry."""

    address_id: str
    label: str
    place: Place


def find_address(book: Sequence[Address], address_id: str) -> Address:
    """Raises NotFound (ADDRESS_NOT_FOUND)."""
    for each in book:
        if each.address_id == address_id:
            return each
    raise NotFound("ADDRESS_NOT_FOUND", "There is no such address in this book.")


def with_address(book: Book, address: Address) -> Book:
    """The book with one more. Adding it again changes nothing. Raises LimitReached (ADDRESS_LIMIT_REACHED)."""
    if any(each.address_id == address.address_id for each in book):
        return book
    if len(book) >= MOST_ADDRESSES:
        raise LimitReached("ADDRESS_LIMIT_REACHED", f"An address book holds at most {MOST_ADDRESSES} addresses.")
    return (*book, address)


def with_replaced(book: Book, address: Address) -> Book:
    """The book with this in the place of the one with the same id. Raises NotFound (ADDRESS_NOT_FOUND)."""
    find_address(book, address.address_id)
    return tuple(address if each.address_id == address.address_id else each for each in book)


def with_default(book: Book, address_id: str) -> Book:
    """The book with this one first, the others in the order that they had. Raises NotFound (ADDRESS_NOT_FOUND)."""
    first = find_address(book, address_id)
    return (first, *(each for each in book if each is not first))


def without_address(book: Book, address_id: str) -> Book:
    """The book without it, if it is there; the next one becomes the default if it was."""
    return tuple(each for each in book if each.address_id != address_id)
