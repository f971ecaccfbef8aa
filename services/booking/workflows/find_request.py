"""A customer looks at a request."""

from mesh.errors import NotFound
from services.booking.model.request import ServiceRequest
from services.booking.ports import Ports


async def find_own_request(ports: Ports, request_id: str, customer_id: str) -> ServiceRequest:
    """A request that this customer made. Raises NotFound (REQUEST_NOT_FOUND)."""
    request = await ports.requests.find(request_id)
    if request is None or request.customer_id != customer_id:
        raise NotFound("REQUEST_NOT_FOUND", "There is no such request.")
    return request
