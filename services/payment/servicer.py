"""PaymentService: one short method per RPC."""

from marketplace.payment.v1 import payment_service_pb2 as pb
from marketplace.payment.v1.payment_service_pb2_grpc import PaymentServiceServicer

from mesh.call import Context, current_account, current_call
from services.payment.wire import entry_to_wire, payment_to_wire, terms_from_wire
from services.payment.workflows import PaymentWorkflows

_SIGNATURE_HEADER = "stripe-signature"


class PaymentServicer(PaymentServiceServicer):
    """Decodes, calls the use case, encodes."""

    def __init__(self, workflows: PaymentWorkflows) -> None:
        self._workflows = workflows

    async def GetPayment(self, request: pb.GetPaymentRequest, context: Context) -> pb.GetPaymentResponse:
        payment = await self._workflows.get(request.booking_id, current_account().account_id)
        return pb.GetPaymentResponse(payment=payment_to_wire(payment))

    async def ListLedgerEntries(self, request: pb.ListLedgerEntriesRequest, context: Context) -> pb.ListLedgerEntriesResponse:
        entries = await self._workflows.entries(request.booking_id)
        return pb.ListLedgerEntriesResponse(entries=[entry_to_wire(entry) for entry in entries])

    async def ReceiveStripeWebhook(
        self, request: pb.ReceiveStripeWebhookRequest, context: Context
    ) -> pb.ReceiveStripeWebhookResponse:
        signature = current_call().metadata.get(_SIGNATURE_HEADER, "")
        await self._workflows.receive(request.payload.data, signature if isinstance(signature, str) else "")
        return pb.ReceiveStripeWebhookResponse()

    async def AuthorizePayment(self, request: pb.AuthorizePaymentRequest, context: Context) -> pb.AuthorizePaymentResponse:
        payment = await self._workflows.authorize(terms_from_wire(request), request.payment_method)
        return pb.AuthorizePaymentResponse(payment=payment_to_wire(payment))
