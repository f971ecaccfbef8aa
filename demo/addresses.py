"""What `make up` shows once everything runs: where it is entered and looked at, who can log in, and a call to begin with."""

from demo.seed import CUSTOMER, PASSWORD, PROVIDER
from demo.stack import shown_path, websocket_url
from mesh.local.stack import Stack

_WIDTH = 26


def page(stack: Stack) -> str:
    """The page of a running stack."""
    return "\n".join(
        (
            *_rows(_addresses(stack)),
            "",
            *_rows(_people(stack)),
            "",
            "Log in as the provider and ask for what it offers:",
            "",
            example(stack.addresses.edge),
            "",
            f"Ctrl-C stops everything; the data stay in {shown_path(stack.folder)} until `make clean`. `make logs` shows logs.",
        )
    )


def example(edge: str) -> str:
    """A command for a shell: logs in, takes the access token out of the answer, and calls a method with it."""
    login = f'{{"email": "{PROVIDER}", "password": "{PASSWORD}"}}'
    return (
        f"TOKEN=$(curl -s {edge}/v1/sessions -H 'content-type: application/json' \\\n"
        f'  -d \'{login}\' | sed \'s/.*"access_token": *"\\([^"]*\\)".*/\\1/\')\n'
        f'curl -s {edge}/v1/offerings -H "authorization: Bearer $TOKEN"'
    )


def _addresses(stack: Stack) -> dict[str, str]:
    at = stack.addresses
    return {
        "edge: REST, gRPC-web, gRPC": at.edge,
        "OpenAPI": at.openapi,
        "WebSocket": websocket_url(stack),
        "Envoy's admin": at.edge_admin,
        "mailbox": at.mailbox,
        "Stripe's simulator": at.stripe,
        **{name: _server(stack, name) for name in ("database", "broker", "cache")},
        **{f"metrics of {service}": url for service, url in at.metrics.items()},
        "logs": shown_path(stack.folder / "logs"),
    }


def _server(stack: Stack, name: str) -> str:
    """Its URL; not of a server outside, whose URL may hold a password."""
    return stack.urls[name] if name in stack.parts else "a server outside, as the environment says"


def _people(stack: Stack) -> dict[str, str]:
    people = {"customer": (CUSTOMER, PASSWORD), "provider": (PROVIDER, PASSWORD), "administrator": stack.admin}
    return {role: f"{email:<{_WIDTH}}  {password}" for role, (email, password) in people.items()}


def _rows(rows: dict[str, str]) -> list[str]:
    return [f"  {name:<{_WIDTH}}  {value}" for name, value in rows.items()]
