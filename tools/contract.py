"""Prints what the contract says of every method: who may call it, whose resource it names, how long, how often, whether again.

Reads mesh.contract and nothing else. How to read the table: ARCHITECTURE.md, "The contract as a table".
"""

import argparse
from collections.abc import Iterator, Sequence
from itertools import groupby

from mesh.contract import MethodContract, Rate, methods

_HEAD = ("method", "who", "owner", "deadline", "rate", "again", "at the edge")
_EVERY_ROLE = frozenset({"customer", "provider", "admin"})
_GAP = "  "
_PERIODS = {1.0: "s", 60.0: "min", 3600.0: "h"}


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line. Returns the exit code: 1 when no method is like what was asked for."""
    parser = argparse.ArgumentParser(prog="python -m tools.contract", description=__doc__)
    parser.add_argument("like", nargs="?", default="", help="only methods whose path contains this, e.g. booking or GetPayment")
    like = parser.parse_args(arguments).like.lower()
    wanted = [method for method in methods() if like in method.path.lower()]
    if not wanted:
        print(f"No method of the contract is like {like!r}.")
        return 1
    print("\n".join(table(wanted)))
    return 0


def table(wanted: Sequence[MethodContract]) -> Iterator[str]:
    """The lines of the table, one a method under one a gRPC service; the path comes last, where a narrow terminal may cut it."""
    rows = [row(method) for method in wanted]
    widths = [max(len(cell) for cell in column) for column in zip(_HEAD, *rows, strict=True)]

    before_owner = " " * (sum(widths[:2]) + 2 * len(_GAP))

    def line(cells: Sequence[str]) -> str:
        return _GAP.join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True)).rstrip()

    yield line(_HEAD)
    for service, group in groupby(zip(wanted, rows, strict=True), key=lambda each: each[0].service_full_name):
        yield f"\n{service}"
        for method, cells in group:
            yield line(cells)
            yield from (f"{before_owner}and {field}: {_words(kind)}" for kind, field in method.also_names)


def row(method: MethodContract) -> tuple[str, ...]:
    """One method's policy in words."""
    return (
        f"{_GAP}{method.name}",
        _who(method),
        _words(method.owner_kind),
        f"{method.deadline_seconds:g} s" if method.deadline_seconds else "none",
        _rate(method.rate),
        _again(method),
        _doors(method) if method.is_edge else "none: MESH",
    )


def _who(method: MethodContract) -> str:
    """Roles of an account; of a MESH method the services, and the roles on whose behalf they must call."""
    roles = "any role" if method.roles == _EVERY_ROLE else ", ".join(sorted(method.roles))
    if method.is_edge:
        return roles or "everybody"
    behalf = "a user" if method.roles == _EVERY_ROLE else roles
    return ", ".join(sorted(method.callers)) + (f" for {behalf}" if behalf else "")


def _words(kind: str) -> str:
    return kind.replace("_", " ") or "-"


def _rate(rate: Rate | None) -> str:
    """Of each account; of each address where everybody may call."""
    return f"{rate.requests}/{_PERIODS.get(rate.per_seconds, f'{rate.per_seconds:g} s')}" if rate else "-"


def _again(method: MethodContract) -> str:
    """Whether a call may be sent again when its answer is lost, and what makes that safe."""
    if method.idempotency_key:
        return f"key {method.idempotency_key}"
    if not method.has_side_effects:
        return "reads"
    return "idempotent" if method.is_retriable else "never"


def _doors(method: MethodContract) -> str:
    doors = [f"{binding.verb} {binding.path}" for binding in method.rest]
    doors += [f"WebSocket {method.websocket_path}"] if method.websocket_path else []
    return ", ".join(doors)


if __name__ == "__main__":
    raise SystemExit(main())
