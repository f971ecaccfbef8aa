"""Payments, ledger entries and facts as the contract writes them, and the contract's requests as terms."""

from datetime import datetime

from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp
from marketplace.common.v1 import money_pb2
from marketplace.payment.v1 import events_pb2, payment_service_pb2

from services.payment.model.ledger import Entry, Money
from services.payment.model.payment import Fact, Payment, Terms


def money_from_wire(money: money_pb2.Money) -> Money:
    """An amount of the model."""
    return Money(money.currency_code, money.amount_minor)


def money_to_wire(money: Money) -> money_pb2.Money:
    """An amount of the contract."""
    return money_pb2.Money(currency_code=money.currency, amount_minor=money.minor)


def terms_from_wire(request: payment_service_pb2.AuthorizePaymentRequest) -> Terms:
    """What is to be authorized."""
    return Terms(
        booking_id=request.booking_id,
        customer_id=request.customer_id,
        provider_id=request.provider_id,
        amount=money_from_wire(request.amount),
        commission=money_from_wire(request.commission),
    )


def payment_to_wire(payment: Payment) -> payment_service_pb2.Payment:
    """A payment of the contract."""
    return payment_service_pb2.Payment(
        payment_id=payment.payment_id,
        booking_id=payment.terms.booking_id,
        amount=money_to_wire(payment.price),
        commission=money_to_wire(payment.commission),
        state=payment_service_pb2.PaymentState.Value(f"PAYMENT_STATE_{payment.state}"),
        create_time=_timestamp(payment.create_time),
    )


def entry_to_wire(entry: Entry) -> payment_service_pb2.LedgerEntry:
    """A ledger entry of the contract."""
    return payment_service_pb2.LedgerEntry(
        entry_id=entry.entry_id,
        booking_id=entry.booking_id,
        kind=entry.kind,
        postings=[
            payment_service_pb2.Posting(account=posting.account, amount=money_to_wire(posting.amount))
            for posting in entry.postings
        ],
        book_time=_timestamp(entry.book_time),
    )


def event_of(payment: Payment, fact: Fact, time: datetime) -> Message:
    """The event that tells others of a fact about a payment."""
    terms = payment.terms
    names = {"payment_id": payment.payment_id, "booking_id": terms.booking_id, "customer_id": terms.customer_id}
    when = _timestamp(time)
    match fact:
        case Fact.AUTHORIZED:
            return events_pb2.PaymentAuthorized(**names, amount=money_to_wire(terms.amount), authorize_time=when)
        case Fact.FAILED:
            return events_pb2.PaymentFailed(**names, code=payment.code, fail_time=when)
        case Fact.VOIDED:
            return events_pb2.PaymentVoided(**names, void_time=when)
        case Fact.CAPTURED:
            net = Money(payment.price.currency, payment.price.minor - payment.commission.minor)
            return events_pb2.PaymentCaptured(
                **names,
                provider_id=terms.provider_id,
                amount=money_to_wire(payment.price),
                commission=money_to_wire(payment.commission),
                net=money_to_wire(net),
                capture_time=when,
            )


def _timestamp(time: datetime) -> Timestamp:
    stamp = Timestamp()
    stamp.FromDatetime(time)
    return stamp
