"""Apache Kafka: one KRaft node out of the jars that tests/kafka/pom.xml pins, on loopback, with its data in a folder."""

import re
import shutil
import subprocess
from pathlib import Path

from mesh.local.ports import LOOPBACK, free_port
from mesh.local.program import Program, StackError

_ROOT = Path(__file__).parents[2]
_POM = Path(__file__).with_name("pom.xml")
_JARS = _ROOT / ".local" / "kafka"
_STAMP = "pom.xml"  # a copy of what the jars were fetched for
_NEEDS = "The tests on Apache Kafka need Java 17 or newer and Maven on PATH: {}."
_OLDEST = 17
_CLUSTER = "bWFya2V0cGxhY2UtdGVzdA"
_JAVA = ["java", "-Xms256m", "-Xmx512m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-XX:-UsePerfData"]
_PROPERTIES = """\
process.roles=broker,controller
node.id=1
controller.quorum.bootstrap.servers={host}:{controller}
listeners=BROKER://{host}:{port},CONTROLLER://{host}:{controller}
advertised.listeners=BROKER://{advertised}
listener.security.protocol.map=BROKER:PLAINTEXT,CONTROLLER:PLAINTEXT
inter.broker.listener.name=BROKER
controller.listener.names=CONTROLLER
log.dirs={data}
auto.create.topics.enable=false
offsets.topic.num.partitions=1
offsets.topic.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.replication.factor=1
share.coordinator.state.topic.min.isr=1
share.coordinator.state.topic.replication.factor=1
group.initial.rebalance.delay.ms=0
group.min.session.timeout.ms=500
"""


def fetch_jars() -> None:
    """Fetches the jars unless those of this pom are there. Raises StackError, in a sentence, when that is not possible."""
    for program in ("java", "mvn"):
        if shutil.which(program) is None:
            raise StackError(_NEEDS.format(f"there is no {program}"))
    found = subprocess.run(["java", "-version"], capture_output=True, text=True, check=False).stderr
    version = re.search(r'version "(\d+)', found)
    if version is None or int(version[1]) < _OLDEST:
        raise StackError(_NEEDS.format(f"java is {found.partition(chr(10))[0] or 'not usable'}"))
    stamp = _JARS / _STAMP
    if stamp.is_file() and stamp.read_text() == _POM.read_text():
        return
    shutil.rmtree(_JARS, ignore_errors=True)
    command = ["mvn", "-q", "-B", "-f", str(_POM), "dependency:copy-dependencies", f"-DoutputDirectory={_JARS}"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        complaint = next(iter((done.stdout + done.stderr).strip().splitlines()), "it says nothing")
        raise StackError(f"Maven could not fetch the jars of Apache Kafka: {complaint}")
    shutil.copy(_POM, stamp)


def kafka_program(folder: Path, *, port: int = 0, advertised: str = "") -> Program:
    """A broker that keeps its data when it is killed. `advertised` is the address that it tells its clients."""
    fetch_jars()
    folder = folder / "kafka"
    folder.mkdir(parents=True, exist_ok=True)
    port = port or free_port()
    properties = folder / "server.properties"
    properties.write_text(
        _PROPERTIES.format(
            host=LOOPBACK, port=port, controller=free_port(), advertised=advertised or f"{LOOPBACK}:{port}", data=folder / "data"
        )
    )
    command = [*_JAVA, "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn", "-cp", f"{_JARS}/*"]
    storage = ["kafka.tools.StorageTool", "format", "--standalone", "-t", _CLUSTER, "-c", str(properties)]
    done = subprocess.run([*command, *storage], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise StackError(f"Apache Kafka could not prepare its data: {done.stderr.strip()[-500:]}")
    return Program("kafka", [*command, "kafka.Kafka", str(properties)], port, folder)
