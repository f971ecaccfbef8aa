"""Refuses requests by their form.

A query string may not say what the path or the body says: the transcoder would let it win over the path. A deadline that is none,
or an unknown compression, would make gRPC end the calls of others too.
"""

import re
from collections.abc import Iterator

from gateway.shapes import Config, typed
from mesh.contract import RestBinding, methods

_BEFORE_A_NAME = r"[^?]*\?(.*&)?"
_ANY_ESCAPED_NAME = (
    _BEFORE_A_NAME + r"[^=&]*%.*"
)  # no name in the contract needs an escape, which could hide one from the rules below


DEADLINE_POLICY = "malformed deadline"
ENCODING_POLICY = "unknown encoding"


def form_filter() -> Config:
    """Refuses query strings beside a body, parameters that are variables of the path, names with escapes, and such headers."""
    policies = {
        DEADLINE_POLICY: _policy(_present("grpc-timeout"), _not(_header("grpc-timeout", "0{0,7}[1-9][0-9]{0,7}[HMSmun]"))),
        ENCODING_POLICY: _policy(_present("grpc-encoding"), _not(_header("grpc-encoding", "identity|gzip|deflate"))),
        "query beside a body": _policy(_header(":method", "POST|PUT|PATCH"), _header(":path", r".*\?.*")),
        "escaped name": _policy(_header(":path", _ANY_ESCAPED_NAME)),
        **{f"variable of {binding.path}": _policy(*_collision(binding)) for binding in _with_variables()},
    }
    return typed("extensions.filters.http.rbac.v3.RBAC", rules={"action": "DENY", "policies": policies})


def _with_variables() -> Iterator[RestBinding]:
    for method in methods():
        for binding in method.rest:
            if "{" in binding.path and method.is_edge:
                yield binding


def _collision(binding: RestBinding) -> tuple[Config, Config]:
    names = [found.partition("=")[0] for found in re.findall(r"\{([^}]*)\}", binding.path)]
    names += [_camel(name) for name in names]
    anything = re.sub(r"\\\{[^}]*\\\}", ".+", re.escape(binding.path))
    return (
        {"url_path": {"path": {"safe_regex": {"regex": anything}}}},
        _header(":path", f"{_BEFORE_A_NAME}({'|'.join(re.escape(name) for name in names)})=.*"),
    )


def _camel(name: str) -> str:
    first, *others = name.split("_")
    return first + "".join(other.capitalize() for other in others)


def _header(name: str, pattern: str) -> Config:
    return {"header": {"name": name, "string_match": {"safe_regex": {"regex": pattern}}}}


def _present(name: str) -> Config:
    return {"header": {"name": name, "present_match": True}}


def _not(condition: Config) -> Config:
    return {"not_rule": condition}


def _policy(*conditions: Config) -> Config:
    return {"permissions": [{"and_rules": {"rules": list(conditions)}}], "principals": [{"any": True}]}
