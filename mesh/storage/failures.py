"""What MongoDB's failures mean to a caller, and how long an operation may take. The driver's own text stays here."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

import pymongo
from pymongo.errors import (
    BulkWriteError,
    ConnectionFailure,
    DuplicateKeyError,
    NetworkTimeout,
    OperationFailure,
    PyMongoError,
    WTimeoutError,
)

from mesh.call import find_call
from mesh.errors import AlreadyExists, DeadlinePassed, MeshError, Unavailable

_WRITE_CONFLICT = 112
_DUPLICATE = 11000
_DRIVER_GRACE_SECONDS = 0.02
_ANSWER_MARGIN_SECONDS = 0.05  # what is left of a call's time to tell its caller that the database did not answer


class DuplicateKey(AlreadyExists):
    """A document with this id, or with this value of a unique index, is there already."""

    def __init__(self) -> None:
        super().__init__("ALREADY_EXISTS", "It exists already.")


def seconds_allowed(longest: float) -> float:
    """What an operation may take: `longest`, or what is left of the call being served. Raises DeadlinePassed when nothing is."""
    call = find_call()
    if call is None or call.deadline is None:
        return longest
    left = call.deadline - asyncio.get_running_loop().time() - _ANSWER_MARGIN_SECONDS
    if left <= 0:
        raise DeadlinePassed("DEADLINE_PASSED", "The time for this call is over.")
    return min(longest, left)


def seconds_until(moment: float) -> float:
    """What is left until this moment of the loop's clock; never nothing, so that it can be a limit."""
    return max(moment - asyncio.get_running_loop().time(), 0.001)


@asynccontextmanager
async def time_limit(seconds: float) -> AsyncIterator[None]:
    """Every driver operation inside ends within these seconds together. Raises the driver's errors as they are."""
    scope = asyncio.timeout(seconds + _DRIVER_GRACE_SECONDS)  # the driver looks for a lost server in steps of half a second
    try:
        async with scope:
            with pymongo.timeout(seconds):
                yield
    except TimeoutError as error:
        if not scope.expired():
            raise
        raise NetworkTimeout("no answer in time") from error


@contextmanager
def failures_told() -> Iterator[None]:
    """Turns what a caller may be told into mesh.errors; a mistake of ours stays the driver's error and ends as INTERNAL."""
    try:
        yield
    except PyMongoError as error:
        raise told(error) from error


def told(error: PyMongoError) -> MeshError | PyMongoError:
    """The error as a caller may be told of it."""
    if is_duplicate(error):
        return DuplicateKey()
    is_outage = isinstance(error, ConnectionFailure | WTimeoutError) or error.timeout
    if is_outage or error.has_error_label("TransientTransactionError") or is_write_conflict(error):
        return Unavailable("DEPENDENCY_UNAVAILABLE", "The database does not answer.", retry_after_seconds=1)
    return error


def is_duplicate(error: PyMongoError) -> bool:
    """Whether an id or a unique value was taken. The driver says so in two ways: for one document and for several."""
    if isinstance(error, BulkWriteError):
        return any(each["code"] == _DUPLICATE for each in error.details["writeErrors"])
    return isinstance(error, DuplicateKeyError)


def is_write_conflict(error: PyMongoError) -> bool:
    """Whether another transaction held the document: the same operation works as soon as that one has ended."""
    return isinstance(error, OperationFailure) and error.code == _WRITE_CONFLICT
