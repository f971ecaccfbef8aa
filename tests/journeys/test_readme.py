"""The README's examples do what it says, each by its own door, pasted into a shell."""

import os
import re
import shutil
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest
import pytest_asyncio

from demo.clients.rest import RestError
from demo.journey.scene import Doors, open_scene
from demo.seed import CUSTOMER, PASSWORD

_ROOT = Path(__file__).parents[2]
_EXAMPLES = dict(
    re.findall(
        r"^(REST|gRPC-web|gRPC|WebSocket), [^\n]*\n\n```sh\n(.*?)```", (_ROOT / "README.md").read_text(), re.MULTILINE | re.DOTALL
    )
)
_PRINTS = {"REST": '"email":"customer@example.com"', "gRPC-web": "acc_", "gRPC": "0 bookings", "WebSocket": '"subscribed"'}


def test_there_is_an_example_for_each_door() -> None:
    assert _EXAMPLES.keys() == _PRINTS.keys()


@pytest_asyncio.fixture(scope="module", loop_scope="module", autouse=True)
async def customer(doors: Doors) -> None:
    """The demo's customer, whose profile is there."""
    account = {
        "email": CUSTOMER,
        "password": PASSWORD,
        "display_name": "Demo",
        "roles": ["ACCOUNT_ROLE_CUSTOMER"],
        "locale": "en",
    }
    async with open_scene(doors) as scene:
        with suppress(RestError):  # another test of this stack may have registered them
            await scene.rest.call("POST", "/v1/accounts", account)
        person = await scene.log_in(CUSTOMER, PASSWORD)
        await scene.until(lambda: scene.rest.call("GET", "/v1/profile", token=person.access_token), bool, "there is a profile")


@pytest.mark.parametrize("door", _PRINTS)
def test_the_example_works(doors: Doors, door: str) -> None:
    if door == "REST" and not shutil.which("curl"):
        pytest.skip("this machine has no curl")
    command = _EXAMPLES[door].replace("127.0.0.1:8080", doors.edge_url.removeprefix("http://"))
    command = command.replace(".venv/bin/python", sys.executable)
    environment = {**os.environ, "PYTHONPATH": f"{_ROOT}{os.pathsep}{_ROOT / 'generated'}"}
    done = subprocess.run(
        ["sh", "-c", command], cwd=_ROOT, env=environment, capture_output=True, text=True, check=False, timeout=60
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert _PRINTS[door] in done.stdout.replace('": "', '":"')
