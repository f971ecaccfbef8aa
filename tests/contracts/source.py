"""What the code of services says, read as syntax: the reasons that it raises, and the methods that it implements."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from mesh import errors
from mesh.contract import methods
from mesh.errors import MeshError

ROOT = Path(__file__).parents[2]
KINDS: dict[str, type[MeshError]] = {
    name: each for name, each in vars(errors).items() if isinstance(each, type) and issubclass(each, MeshError)
}


@dataclass(frozen=True)
class Raised:
    """One place that makes an error with a literal reason."""

    kind: str  # a name in mesh.errors, or "Refusal" at the edge
    reason: str
    place: str


def service_names() -> list[str]:
    """Every service of the contract."""
    return sorted({method.service for method in methods()})


def is_written(service: str) -> bool:
    """Whether the service's code is there at all; a test of code that is not there yet says nothing."""
    return (ROOT / "services" / service).is_dir()


@cache
def raised_in(folder: str) -> tuple[Raised, ...]:
    """Every error that the Python files of a folder make, the folder as a path from the root."""
    return tuple(each for path in sorted((ROOT / folder).rglob("*.py")) for each in _raised(path))


def _raised(path: Path) -> Iterator[Raised]:
    tree = ast.parse(path.read_text(), str(path))
    for kind, call in (*_calls_of_kinds(tree), *_calls_of_own_kinds(tree)):
        reason = call.args[0] if call.args else None
        if isinstance(reason, ast.Constant) and isinstance(reason.value, str):
            yield Raised(kind, reason.value, f"{path.relative_to(ROOT)}:{call.lineno}")


def _calls_of_kinds(tree: ast.AST) -> Iterator[tuple[str, ast.Call]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            name = _name(node.func)
            if name in KINDS or name == "Refusal":
                yield name, node


def _calls_of_own_kinds(tree: ast.AST) -> Iterator[tuple[str, ast.Call]]:
    """super().__init__("REASON", …) in a class that is one of the kinds."""
    for node in ast.walk(tree):
        kind = next((_name(base) for base in node.bases if _name(base) in KINDS), "") if isinstance(node, ast.ClassDef) else ""
        for call in ast.walk(node) if kind else ():
            if isinstance(call, ast.Call) and _name(call.func) == "__init__":
                yield kind, call


def _name(node: ast.expr) -> str:
    return node.attr if isinstance(node, ast.Attribute) else getattr(node, "id", "")


def implemented(service: str) -> dict[str, set[str]]:
    """The methods that each class named after a generated servicer defines, by the gRPC service's short name."""
    found: dict[str, set[str]] = {}
    for path in sorted((ROOT / "services" / service).rglob("*.py")):
        if not any(part.startswith("servicer") for part in path.relative_to(ROOT).parts):
            continue
        for node in ast.walk(ast.parse(path.read_text(), str(path))):
            if isinstance(node, ast.ClassDef):
                for grpc_service in _servicer_bases(node):
                    names = {each.name for each in node.body if isinstance(each, ast.AsyncFunctionDef | ast.FunctionDef)}
                    found.setdefault(grpc_service, set()).update(name for name in names if name[0].isupper())
    return found


def _servicer_bases(node: ast.ClassDef) -> Iterator[str]:
    for base in node.bases:
        if _name(base).endswith("ServiceServicer"):
            yield _name(base).removesuffix("Servicer")
