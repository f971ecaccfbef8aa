"""The table of the contract: every method is in it once, with what its policy says, and it fits a wide terminal."""

import pytest

from mesh.contract import find_method, import_all, methods
from tools.contract import main, row

import_all()


def test_every_method_has_one_line_under_its_service(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 0
    lines = capsys.readouterr().out.splitlines()
    service, seen = "", []
    for line in lines[1:]:
        if line.startswith("marketplace."):
            service = line
        elif line[2:3].strip():
            seen.append(f"/{service}/{line.split()[0]}")
    assert seen == [method.path for method in methods()]
    assert max(map(len, lines)) <= 160


@pytest.mark.parametrize(
    "path, policy",
    [
        ("auth.v1.AuthService/LogIn", ("everybody", "-", "5 s", "30/min", "never", "POST /v1/sessions")),
        (
            "booking.v1.RequestService/CreateServiceRequest",
            ("customer", "self", "5 s", "30/min", "key required", "POST /v1/requests"),
        ),
        (
            "realtime.v1.LiveService/Subscribe",
            ("any role", "booking party", "none", "60/min", "reads", "GET /v1/live/events, WebSocket /v1/live"),
        ),
        (
            "booking.v1.BookingService/GetParticipation",
            ("chat, realtime for a user", "booking party", "2 s", "-", "reads", "none: MESH"),
        ),
        ("payment.v1.PaymentService/AuthorizePayment", ("booking", "account", "6 s", "-", "idempotent", "none: MESH")),
    ],
)
def test_a_line_says_what_the_policy_says(path: str, policy: tuple[str, ...]) -> None:
    method = find_method(f"/marketplace.{path}")
    assert row(method) == (f"  {method.name}", *policy)


def test_the_other_ids_of_a_request_have_lines_of_their_own(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["SendMessage"]) == 0
    assert "and client_message_id: callers own" in capsys.readouterr().out


def test_a_part_of_it_can_be_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["PaymentService/get"]) == 0
    assert "GetPayment" in (out := capsys.readouterr().out)
    assert "AcceptOffer" not in out
    assert main(["nothing"]) == 1
    assert capsys.readouterr().out == "No method of the contract is like 'nothing'.\n"
