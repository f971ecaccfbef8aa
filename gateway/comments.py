"""What the protos say to people: the comment of each element, and the reasons of failure that a method's comment promises."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache

from google.protobuf.descriptor_pb2 import DescriptorProto, EnumDescriptorProto, FileDescriptorProto

from gateway.image import commented_image
from mesh.contract import MethodContract

_REASON = re.compile(r"\b[A-Z]+(?:_[A-Z]+)+\b")
_MESH = "mesh"


@dataclass(frozen=True, slots=True)
class Reason:
    """A reason of failure, as an error_reason.proto describes it."""

    name: str  # "BOOKING_NOT_FOUND"
    service: str  # whose it is; "mesh" for those of the mesh itself
    code: str  # the status that it comes with, as gRPC names it
    meaning: str


@cache
def comments() -> Mapping[str, str]:
    """The comment of every commented element by its full name, each as one paragraph; enum values under their enum."""
    return {name: " ".join(text.split()) for file in commented_image().file for name, text in _comments_of(file) if text.strip()}


def comment(full_name: str) -> str:
    """The comment of one element; empty when it has none."""
    return comments().get(full_name, "")


@cache
def reasons() -> Mapping[tuple[str, str], Reason]:
    """Every reason of the contract, by service and name."""
    found = {}
    for full_name, text in comments().items():
        path = re.fullmatch(r"marketplace\.(\w+)\.v1\.ErrorReason\.ERROR_REASON_(\w+)", full_name)
        if path and path[2] != "UNSPECIFIED":
            code, _, meaning = text.partition(": ")
            code = code.partition(",")[0]
            found[path[1], path[2]] = Reason(path[2], path[1], code, meaning)
    return found


def promised_names(method: MethodContract) -> list[str]:
    """The names that follow "Reasons:" in the method's comment."""
    _, _, after = comment(f"{method.service_full_name}.{method.name}").partition("Reasons:")
    return list(dict.fromkeys(_REASON.findall(after)))


def promised_reasons(method: MethodContract) -> list[Reason]:
    """The reasons that the method's comment names: its service's own, or the mesh's. Raises KeyError for one that nobody has."""
    known = reasons()
    return [known.get((method.service, name)) or known[_MESH, name] for name in promised_names(method)]


def mesh_reason(name: str) -> Reason:
    """One of the mesh's own reasons. Raises KeyError when there is no such reason."""
    return reasons()[_MESH, name]


def _comments_of(file: FileDescriptorProto) -> Iterator[tuple[str, str]]:
    by_path = {tuple(location.path): location.leading_comments for location in file.source_code_info.location}
    for path, name in _elements(file):
        yield name, by_path.get(path, "")


def _elements(file: FileDescriptorProto) -> Iterator[tuple[tuple[int, ...], str]]:
    """Each element's place in the file [descriptor.proto: SourceCodeInfo.Location.path] and its full name."""
    for index, message in enumerate(file.message_type):
        yield from _message_elements((4, index), f"{file.package}.{message.name}", message)
    for index, enum in enumerate(file.enum_type):
        yield from _enum_elements((5, index), f"{file.package}.{enum.name}", enum)
    for index, service in enumerate(file.service):
        name = f"{file.package}.{service.name}"
        yield (6, index), name
        for place, method in enumerate(service.method):
            yield (6, index, 2, place), f"{name}.{method.name}"


def _message_elements(path: tuple[int, ...], name: str, message: DescriptorProto) -> Iterator[tuple[tuple[int, ...], str]]:
    yield path, name
    for index, field in enumerate(message.field):
        yield (*path, 2, index), f"{name}.{field.name}"
    for index, oneof in enumerate(message.oneof_decl):
        yield (*path, 8, index), f"{name}.{oneof.name}"
    for index, nested in enumerate(message.nested_type):
        if not nested.options.map_entry:
            yield from _message_elements((*path, 3, index), f"{name}.{nested.name}", nested)
    for index, enum in enumerate(message.enum_type):
        yield from _enum_elements((*path, 4, index), f"{name}.{enum.name}", enum)


def _enum_elements(path: tuple[int, ...], name: str, enum: EnumDescriptorProto) -> Iterator[tuple[tuple[int, ...], str]]:
    yield path, name
    for index, value in enumerate(enum.value):
        yield (*path, 2, index), f"{name}.{value.name}"
