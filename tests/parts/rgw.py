"""A real S3 server for the tests: the RADOS Gateway of Ceph, with its objects in memory.

It checks signatures and expiry, which stand-ins do not. One per test process (two seconds), only
where a test asks for it; it dies with that process, however that ends.
"""

import configparser
import contextlib
import os
import secrets
import shutil
import subprocess
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import boto3
import httpx
import pytest
from botocore.config import Config

from media.location import S3Location
from tests.parts.missing import missing
from tests.parts.server import WITHOUT_TLS, free_port

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

PACKAGES = "radosgw ceph-mon ceph-osd ceph-common"
PROGRAMS = ("ceph", "ceph-mon", "ceph-osd", "monmaptool", "radosgw", "radosgw-admin", "setpriv")
ACCESS_KEY = "rgwkey"
SECRET_KEY = "rgwsecret123"
ATTEMPTS = 6
PATIENCE_SECONDS = 40.0


class CephFailed(Exception):
    """A program of Ceph did not do what it was started for."""


class Keys(NamedTuple):
    """What somebody signs with."""

    access: str
    secret: str


OWNER = Keys(ACCESS_KEY, SECRET_KEY)


@dataclass(frozen=True, slots=True, kw_only=True)
class S3Server:
    """A running server, and a client of the owner of every bucket.

    `add_user` makes somebody else, who may do nothing until a policy says so.
    """

    endpoint: str
    client: "S3Client"
    add_user: Callable[[str], Keys]
    stop: Callable[[], None]
    start: Callable[[], None]

    @contextlib.contextmanager
    def stopped(self) -> Iterator[None]:
        """Nobody answers at the endpoint within the block; the objects are there again after it."""
        self.stop()
        try:
            yield
        finally:
            self.start()

    def connect(self, keys: Keys) -> "S3Client":
        """A client of somebody else."""
        return _connect(self.endpoint, keys)

    def make_bucket(self) -> S3Location:
        bucket = f"test-{uuid.uuid4()}"
        self.client.create_bucket(Bucket=bucket)
        return S3Location(bucket=bucket, endpoint=self.endpoint, region="us-east-1")


@dataclass(kw_only=True)
class _Ceph:
    """One monitor, one object daemon, one gateway, all in one folder and on loopback."""

    folder: Path
    gateway_port: int
    monitor_port: int
    cluster_id: str = field(default_factory=lambda: str(uuid.uuid4()))
    daemons: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def start(self) -> None:
        for name in ("mon", "osd", "rgw", "run", "log"):
            (self.folder / name).mkdir()
        self._write_config()
        self._start_monitor()
        self._start_osd()
        self._start_gateway()

    def stop(self) -> None:
        """Kill all of it: what is in memory is for nobody."""
        for daemon in reversed(self.daemons):
            daemon.kill()
        for daemon in self.daemons:
            daemon.wait()

    def _start_monitor(self) -> None:
        address = f"[v1:127.0.0.1:{self.monitor_port}]"
        monmap = str(self.folder / "monmap")
        self._run(
            "monmaptool", "--create", "--addv", "a", address, "--fsid", self.cluster_id, monmap
        )
        self._run("ceph-mon", "-i", "a", "--mkfs", "--monmap", monmap)
        self._spawn("ceph-mon", "-i", "a", "-f")
        self._wait_for(lambda: self._ask("mon", "stat") is not None, "the monitor")

    def _start_osd(self) -> None:
        osd_id = str(uuid.uuid4())
        number = self._run("ceph", "osd", "create", osd_id).strip()
        where = ("root=default", "host=localhost")
        self._run("ceph", "osd", "crush", "add", f"osd.{number}", "1.0", *where)
        self._run("ceph-osd", "-i", number, "--mkfs", "--osd-uuid", osd_id)
        self._spawn("ceph-osd", "-i", number, "-f")
        self._wait_for(lambda: "1 up" in (self._ask("osd", "stat") or ""), "the object daemon")

    def stop_gateway(self) -> None:
        """End the gateway alone, the last that was started: the objects lie behind it.

        Not with a kill: what it watched would be kept for half a minute, and the next one wait.
        """
        gateway = self.daemons.pop()
        gateway.terminate()
        gateway.wait(timeout=PATIENCE_SECONDS)

    def run_gateway(self) -> None:
        """Start the gateway, and wait until it answers."""
        self._spawn("radosgw", "-n", "client.rgw", "-f")
        self._wait_for(self._gateway_answers, "the gateway")

    def _start_gateway(self) -> None:
        self.run_gateway()
        self.add_user("cadans", OWNER)

    def add_user(self, name: str, keys: Keys | None = None) -> Keys:
        keys = keys or Keys(secrets.token_hex(10), secrets.token_hex(20))
        user = (f"--uid={name}", f"--display-name={name}")
        given = (f"--access-key={keys.access}", f"--secret-key={keys.secret}")
        self._run("radosgw-admin", "-n", "client.rgw", "user", "create", *user, *given)
        return keys

    def _gateway_answers(self) -> bool:
        try:
            httpx.get(f"http://127.0.0.1:{self.gateway_port}/", timeout=2, verify=WITHOUT_TLS)
        except httpx.TransportError:
            return False
        return True

    def _ask(self, *words: str) -> str | None:
        done = subprocess.run(
            ["ceph", "--connect-timeout", "3", *words],
            env=self._environment(),
            capture_output=True,
            text=True,
            timeout=10,
            check=False,
        )
        return done.stdout if done.returncode == 0 else None

    def _run(self, *command: str) -> str:
        done = subprocess.run(
            command,
            env=self._environment(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=PATIENCE_SECONDS,
            check=False,
        )
        if done.returncode:
            message = f"{command[0]} failed: {done.stderr[-800:]}"
            raise CephFailed(message)
        return done.stdout

    def _spawn(self, *command: str) -> None:
        with (self.folder / "log" / f"{command[0]}.out").open("wb") as output:
            # The kernel kills it when this process ends without having stopped it.
            daemon = subprocess.Popen(
                ["setpriv", "--pdeathsig", "KILL", *command],
                env=self._environment(),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self.daemons.append(daemon)

    def _wait_for(self, is_ready: Callable[[], bool], what: str) -> None:
        give_up_at = time.monotonic() + PATIENCE_SECONDS
        while not is_ready():
            if self.daemons[-1].poll() is not None or time.monotonic() > give_up_at:
                output = (self.folder / "log").glob("*.out")
                tail = "\n".join(path.read_text(errors="replace")[-800:] for path in output)
                message = f"{what} did not start:\n{tail}"
                raise CephFailed(message)
            time.sleep(0.05)

    def _environment(self) -> dict[str, str]:
        return {**os.environ, "CEPH_CONF": str(self.folder / "ceph.conf")}

    def _write_config(self) -> None:
        config = configparser.ConfigParser()
        config.read_dict(self._settings())
        with (self.folder / "ceph.conf").open("w") as file:
            config.write(file)

    def _settings(self) -> dict[str, dict[str, str]]:
        folder = self.folder
        return {
            "global": {
                "fsid": self.cluster_id,
                "mon host": f"v1:127.0.0.1:{self.monitor_port}",
                # Without it a daemon may speak before it knows the cluster: "wrong fsid".
                "monmap": f"{folder}/monmap",
                "public addr": "127.0.0.1",
                "cluster addr": "127.0.0.1",
                "ms bind ipv6": "false",
                "ms bind msgr2": "false",
                **dict.fromkeys(
                    ("auth cluster required", "auth service required", "auth client required"),
                    "none",
                ),
                # one copy of everything, on one daemon
                "osd pool default size": "1",
                "osd pool default min size": "1",
                "osd pool default pg num": "4",
                "osd pool default pgp num": "4",
                "osd pool default pg autoscale mode": "off",
                "osd crush chooseleaf type": "0",
                "mon allow pool size one": "true",
                "mon max pg per osd": "2000",
                "mon warn on pool no redundancy": "false",
                "mon data avail crit": "1",
                # agree with oneself at once
                "paxos propose interval": "0.05",
                "paxos min wait": "0.01",
                "run dir": f"{folder}/run",
                "log file": f"{folder}/log/$name.log",
                "admin socket": "",
                "pid file": "",
            },
            "mon": {"mon data": f"{folder}/mon", "mon initial members": "a"},
            "osd": {
                "osd data": f"{folder}/osd",
                "osd objectstore": "memstore",
                "memstore device bytes": str(4 * 2**30),
            },
            "client.rgw": {
                "rgw frontends": f"beast endpoint=127.0.0.1:{self.gateway_port}",
                "rgw data": f"{folder}/rgw",
                "rgw enable usage log": "false",
                "rgw enable ops log": "false",
            },
        }


def _start_ceph(stack: contextlib.ExitStack) -> _Ceph:
    """Begin again where somebody took a port meanwhile, or a daemon was told "wrong fsid".

    That still happens, mostly when several clusters start at once: to one in five, in two seconds.
    """
    for _ in range(ATTEMPTS - 1):
        with contextlib.suppress(CephFailed):
            return _try_to_start_ceph(stack)
    return _try_to_start_ceph(stack)


def _try_to_start_ceph(stack: contextlib.ExitStack) -> _Ceph:
    # Not pytest's folder: its long path does not fit where Ceph wants to put it.
    folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="rgw-")))
    ceph = _Ceph(folder=folder, gateway_port=free_port(), monitor_port=free_port())
    stack.callback(ceph.stop)
    try:
        ceph.start()
    except CephFailed:
        ceph.stop()
        raise
    return ceph


@contextlib.contextmanager
def serving_objects() -> Iterator[S3Server]:
    """A server that runs until the block ends."""
    if not all(map(shutil.which, PROGRAMS)):
        missing("The S3 server", PACKAGES)
    with contextlib.ExitStack() as stack:
        ceph = _start_ceph(stack)
        endpoint = f"http://127.0.0.1:{ceph.gateway_port}"
        client = _connect(endpoint, OWNER)
        stack.callback(client.close)
        yield S3Server(
            endpoint=endpoint,
            client=client,
            add_user=ceph.add_user,
            stop=ceph.stop_gateway,
            start=ceph.run_gateway,
        )


@pytest.fixture(scope="session")
def s3_server() -> Iterator[S3Server]:
    """A running server, for as long as this process runs tests."""
    with serving_objects() as server:
        yield server


def _connect(endpoint: str, keys: Keys) -> "S3Client":
    return boto3.client(
        "s3",
        endpoint_url=endpoint,
        region_name="us-east-1",
        aws_access_key_id=keys.access,
        aws_secret_access_key=keys.secret,
        config=Config(signature_version="s3v4", s3={"addressing_style": "path"}),
    )


@pytest.fixture
def aws_credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    """Credentials of the server where boto3 looks for them, and none of this machine's own."""
    set_credentials(monkeypatch)


def set_credentials(monkeypatch: pytest.MonkeyPatch, keys: Keys = OWNER) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", keys.access)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", keys.secret)
    monkeypatch.setenv("AWS_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", os.devnull)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def s3_location(
    s3_server: S3Server,
    aws_credentials: None,  # noqa: ARG001  boto3 finds them in the environment
) -> S3Location:
    """A new, empty bucket; credentials for it are in the environment."""
    return s3_server.make_bucket()


@pytest.fixture
def s3_url(s3_location: S3Location) -> str:
    """The same bucket as a setting."""
    return url_of(s3_location)


def url_of(bucket: S3Location) -> str:
    """A bucket as a setting."""
    return f"s3://{bucket.bucket}?endpoint={bucket.endpoint}&region={bucket.region}"


def environ_of(bucket: S3Location, keys: Keys = OWNER) -> dict[str, str]:
    """What a process needs to know to keep its objects there."""
    return {
        "CADANS_STORE": url_of(bucket),
        "AWS_ACCESS_KEY_ID": keys.access,
        "AWS_SECRET_ACCESS_KEY": keys.secret,
        "AWS_EC2_METADATA_DISABLED": "true",
    }
