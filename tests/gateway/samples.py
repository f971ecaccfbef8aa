"""A request by REST for any method, made from its contract."""

import re
from collections.abc import Iterator

from mesh.contract import MethodContract

_SAMPLES = {
    "booking_id": "bkg",
    "offer_id": "ofr",
    "request_id": "req",
    "provider_id": "acc",
    "account_id": "acc",
    "address_id": "adr",
    "review_id": "rev",
    "document_id": "doc",
}


def rest_calls(method: MethodContract) -> Iterator[tuple[str, str, dict[str, str] | None]]:
    """Verb, path and JSON body of each of the method's REST doors; the ids are well-formed and name nothing."""
    for binding in method.rest:
        path = re.sub(r"\{([^}=]*)[^}]*\}", lambda found: _sample(found[1]), binding.path)
        yield binding.verb, path, {} if binding.body else None


def _sample(field: str) -> str:
    return f"{_SAMPLES[field]}_{'0' * 26}" if field in _SAMPLES else "sample"
