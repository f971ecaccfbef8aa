"""How lists are cut into pages: limits and opaque cursors, the same for every list."""

import base64
import binascii
import json

from marketplace.common.v1.page_pb2 import PageRequest

from mesh.errors import InvalidInput

_DEFAULT_SIZE = 20
_LARGEST_SIZE = 100


def page_limit(page: PageRequest) -> int:
    """How many items a page has at most: 20 when nothing is asked for, never more than 100."""
    return min(page.page_size or _DEFAULT_SIZE, _LARGEST_SIZE)


def encode_cursor(*parts: str) -> str:
    """An opaque token that names the last item of a page by what the list is sorted by."""
    return base64.urlsafe_b64encode(json.dumps(parts, separators=(",", ":")).encode()).rstrip(b"=").decode()


def decode_cursor(token: str, parts: int) -> tuple[str, ...]:
    """The parts of a token that encode_cursor made. Raises InvalidInput(PAGE_TOKEN_INVALID) when it did not."""
    try:
        found = json.loads(base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True))
    except (binascii.Error, ValueError, RecursionError):
        found = None
    if not isinstance(found, list) or len(found) != parts or not all(isinstance(part, str) for part in found):
        raise InvalidInput("PAGE_TOKEN_INVALID", "This page token is not one that this list gave.")
    return tuple(found)
