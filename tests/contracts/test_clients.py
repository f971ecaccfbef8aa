"""What gRPC clients inside the mesh are told of every method: how long it may take, and whether it is sent again."""

from typing import Any

import pytest

from mesh import contract
from mesh.channels import service_config

SERVICES = sorted({method.service_full_name for method in contract.methods()})


@pytest.mark.parametrize("service", SERVICES, ids=lambda name: name.rpartition(".")[2])
def test_every_method_has_its_deadline_and_is_sent_again_exactly_where_that_is_safe(service: str) -> None:
    methods = contract.service_methods(service)
    config: Any = service_config(methods)
    told = {each["name"][0]["method"]: each for each in config["methodConfig"]}
    assert told.keys() == {method.name for method in methods}
    for method in methods:
        assert told[method.name].get("timeout") == (f"{method.deadline_seconds:g}s" if method.deadline_seconds else None)
        assert ("retryPolicy" in told[method.name]) == method.is_retriable
        assert told[method.name].get("retryPolicy", {"maxAttempts": 3})["maxAttempts"] <= 3
