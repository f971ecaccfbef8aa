"""The whole stack as processes on loopback: started and stopped together, watched, killed and paused one by one for tests."""

import fcntl
import os
import shutil
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path
from typing import Literal, NoReturn

from mesh.local import probes, programs
from mesh.local.addresses import FIXED, Addresses, EdgeAddresses, choose_addresses, require_free
from mesh.local.certificates import Authority, Certificate
from mesh.local.outside import require_answering
from mesh.local.parts import ADMIN_EMAIL, Parts
from mesh.local.program import Program, StackError
from mesh.local.secrets_file import Secrets, read_or_make
from mesh.local.services import RATE_LIMIT, SERVICES

__all__ = ["SERVICES", "Addresses", "EdgeAddresses", "Stack", "StackError"]

_START_SECONDS = 120.0
_STOP_SECONDS = 15.0
_WATCH_SECONDS = 0.2
_INFRASTRUCTURE = {  # the variable by which a server outside of the stack takes its place, and what its URL is else
    "database": ("MONGO_URL", programs.database_program, programs.DATABASE_URL),
    "broker": ("KAFKA_BOOTSTRAP", programs.broker_program, "{}"),
    "cache": ("REDIS_URL", programs.cache_program, "redis://{}/0"),
}

Progress = Callable[[str, str, float], None]
"""Is told a part's name, its new state (starting, external, ready) and the seconds that it took to get there."""


class Stack:
    """One local stack. Its methods block, may be called from any thread, and raise StackError, whose text is for humans."""

    def __init__(
        self,
        folder: Path,
        *,
        ports: Literal["fixed", "free"] = "free",
        render_edge: Callable[[EdgeAddresses], str] | None = None,
        rate_scale: float = 1.0,
        services: Sequence[str] = SERVICES,
        with_edge: bool = True,
        fresh: bool = False,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        """Everything that it stores, its logs (in `logs`) and its secrets lie in the folder; `fresh` begins without stored data.

        MONGO_URL, REDIS_URL and KAFKA_BOOTSTRAP in this process's environment replace its own servers. `environment` is for
        the services; it has the last word. A service that is not started has an address all the same. `render_edge` gives the
        text of Envoy's configuration.
        """
        if with_edge and render_edge is None:
            raise ValueError("an edge needs its configuration: give render_edge, or with_edge=False")
        self.folder = folder.absolute()
        self.certificates = self.folder / "certificates"
        self._services = tuple(services)
        self._ports = ports
        self._render_edge = render_edge if with_edge else None
        self._rate_scale = rate_scale
        self._is_fresh = fresh
        self._variables = {**os.environ, **(environment or {})}
        self._extra = dict(environment or {})
        self.addresses = choose_addresses(ports, self._variables)
        self._programs: dict[str, Program] = {}
        self._issued: dict[str, Certificate] = {}
        self._lock = -1
        self.secrets = Secrets()
        self.urls: Mapping[str, str] = {}  # of its servers, by the part's name, once they are started

    def start(self, progress: Progress = lambda _name, _state, _seconds: None) -> None:
        """Starts everything and returns when all of it is healthy. Raises StackError, with nothing left running."""
        try:
            self._prepare()
            self._start_infrastructure(progress)
            self._start_services(progress)
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """Ends everything, the edge first and the stores last; what does not end in time is killed."""
        infrastructure = [name for name in self._programs if name in _INFRASTRUCTURE]
        services = [name for name in self._programs if name in self._services]
        for names in (["edge"], [*services, RATE_LIMIT], ["simulators"], infrastructure):
            ending = [self._programs[name] for name in names if name in self._programs]
            for program in ending:
                program.terminate()
            give_up = time.monotonic() + _STOP_SECONDS
            for program in ending:
                program.wait_ended(give_up - time.monotonic())
        self._programs.clear()
        if self._lock >= 0:
            os.close(self._lock)
            self._lock = -1

    def kill(self, name: str) -> None:
        """Ends a part at once, as a crash would."""
        self._program(name).kill()

    def restart(self, name: str) -> None:
        """Stops a part if it runs, starts it again at the same address, and returns when it is healthy."""
        program = self._program(name)
        program.stop(_STOP_SECONDS)
        program.start(_START_SECONDS)

    def pause(self, name: str) -> None:
        """Freezes a part: its connections stay open, and nothing is answered."""
        self._program(name).freeze()

    def resume(self, name: str) -> None:
        """Lets a frozen part go on."""
        self._program(name).resume()

    def crashed(self) -> dict[str, str]:
        """The parts that have ended by themselves, and for each one sentence with the last lines of its log."""
        return {name: program.obituary() for name, program in list(self._programs.items()) if program.has_died()}

    def watch(self) -> NoReturn:
        """Does not return. Raises StackError, which tells of them, as soon as parts have ended by themselves."""
        while True:
            if crashed := self.crashed():
                raise StackError("\n".join(crashed.values()))
            time.sleep(_WATCH_SECONDS)

    def log(self, name: str) -> Path:
        """The log file of a part."""
        return self._program(name).log

    @property
    def parts(self) -> tuple[str, ...]:
        """The names of the parts that this stack runs itself."""
        return tuple(self._programs)

    def resident_mb(self) -> dict[str, float]:
        """The memory of each part and its children in MB: PSS, where the kernel tells it, so that the sum is the stack's."""
        running = {name: program.pid for name, program in self._programs.items()}
        return {name: probes.resident_mb(pid) for name, pid in running.items() if pid is not None}

    def pid(self, name: str) -> int | None:
        """The process of a part; None while it does not run."""
        return self._program(name).pid

    def certificate(self, service: str) -> Certificate:
        """The certificate of a service, or of the gateway, as of the last start."""
        return self._issued[service]

    @property
    def admin(self) -> tuple[str, str]:
        """The e-mail address and the password of the administrator whose account the stack begins with."""
        return self._extra.get("ADMIN_EMAIL", ADMIN_EMAIL), self._extra.get("ADMIN_PASSWORD", self.secrets.admin_password)

    def _program(self, name: str) -> Program:
        if name not in self._programs:
            raise StackError(f"{name} is not a part of this stack, whose parts are {', '.join(self._programs) or 'not started'}.")
        return self._programs[name]

    def _prepare(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        self._lock = _lock(self.folder)
        if self._ports == "fixed":
            require_free(self.addresses, [name for name in FIXED if self._render_edge or name == "mailbox"])
        for log in (self.folder / "logs").glob("*.log"):
            log.unlink()
        if self._is_fresh:
            shutil.rmtree(self.folder / "data", ignore_errors=True)
        self.secrets = read_or_make(self.folder)
        authority = Authority(self.certificates)
        self._issued = {name: authority.issue(name) for name in (*self._services, RATE_LIMIT, "gateway")}

    def _start_infrastructure(self, progress: Progress) -> None:
        """Starts the servers that are not outside of the stack."""
        urls: dict[str, str] = {}
        for name, (variable, make, url) in _INFRASTRUCTURE.items():
            if given := self._variables.get(variable):
                require_answering(variable, given)
                urls[name] = given
                progress(name, "external", 0.0)
                continue
            program = make(self.folder / "data", self.folder / "logs")
            self._spawn(program, progress)
            urls[name] = url.format(program.address)
        self.urls = urls
        self._wait(list(self._programs), progress)

    def _start_services(self, progress: Progress) -> None:
        urls = {variable: self.urls[name] for name, (variable, _, _) in _INFRASTRUCTURE.items()}
        parts = Parts(self.folder, self.addresses, self.secrets, self._issued, urls, self._extra)
        started = [parts.service(name) for name in self._services]
        started.append(parts.simulators(takes_webhooks=self._render_edge is not None))
        if self._render_edge is not None:
            started.append(parts.rate_limit(self._rate_scale))
        for program in started:
            self._spawn(program, progress)
        if self._render_edge is not None:  # rendering takes a while, in which the services start
            started.append(parts.edge(self._render_edge, self._rate_scale, self._services))
            self._spawn(started[-1], progress)
        self._wait([program.name for program in started], progress)

    def _spawn(self, program: Program, progress: Progress) -> None:
        self._programs[program.name] = program
        program.spawn()
        progress(program.name, "starting", 0.0)

    def _wait(self, names: Iterable[str], progress: Progress) -> None:
        """Returns when all of them are ready. At the first failure all are ended, so that nothing is waited for."""
        waiting = {name: self._programs[name] for name in names}
        if not waiting:
            return
        with ThreadPoolExecutor(len(waiting)) as pool:
            began = time.monotonic()
            becoming = {pool.submit(program.wait_ready, _START_SECONDS): name for name, program in waiting.items()}
            try:
                for ready in as_completed(becoming):
                    ready.result()
                    progress(becoming[ready], "ready", time.monotonic() - began)
            except BaseException:
                self.stop()
                raise


def _lock(folder: Path) -> int:
    """Claims the folder until the returned file is closed or this process ends."""
    lock = os.open(folder / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(lock)
        raise StackError(f"The stack in {folder} is running already: stop it first.") from None
    return lock
