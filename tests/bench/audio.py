"""Measure audio as it is sent on a server: redirects to a store, and files that nginx sends for us.

A redirect is compared with a bare Flask view on the same server, a file of our store with the same
file sent by the same nginx over TLS without asking us.
"""

import tempfile
import time
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import httpx
from sqlalchemy import select

from app.clock import system_clock
from app.db.models import Lesson, Recording
from app.house import House
from app.settings import Settings
from app.wiring import open_house
from media.keys import ObjectKey
from tests.bench.figures import Measure, say
from tests.bench.fill import fill
from tests.bench.houses import environ_of
from tests.bench.polls import Contender, Figure, LoadFailed, Plan, measure_all, serving
from tests.parts import rgw
from tests.parts.nginx import Nginx, nginx_before
from tests.parts.server import free_port

SCRIPT = Path(__file__).with_name("audio.lua")
SUBSCRIPTIONS = 10_000
PATIENCE_SECONDS = 30
# A quarter of an hour at 128 kbit/s.
SOUND_BYTES = 15 * 60 * 128_000 // 8
PLAIN = """server {{
    listen 127.0.0.1:{port} ssl http2;
    ssl_certificate {folder}/tls/fullchain.pem;
    ssl_certificate_key {folder}/tls/privkey.pem;
    include {folder}/cadans/tls.conf;
    include {folder}/cadans/log.conf;
    sendfile on;
    tcp_nopush on;
    location / {{ alias {folder}/store/; }}
}}
"""


def run(*, is_quick: bool, threads: int) -> list[Measure]:
    """Measure both ways."""
    seconds, rounds = (2, 3) if is_quick else (5, 5)
    plan = Plan(
        many=SUBSCRIPTIONS, few=SUBSCRIPTIONS, seconds=seconds, rounds=rounds, threads=threads
    )
    with tempfile.TemporaryDirectory(prefix="cadans-bench-") as name:
        folder = Path(name)
        return [*_redirects(folder / "redirect", plan), *_accelerated(folder / "accel", plan)]


def _redirects(folder: Path, plan: Plan) -> list[Measure]:
    with ExitStack() as stack:
        # It is asked nothing but whether it is there: an address is signed here.
        bucket = stack.enter_context(rgw.serving_objects()).make_bucket()
        environ = _environ(folder, rgw.environ_of(bucket))
        house = open_house(Settings.from_env(environ))
        _fill(house, folder)
        house.close()
        hello, port = (
            stack.enter_context(serving(f"tests.bench.apps:{target}", environ, plan.threads))
            for target in ("hello", "product")
        )
        _check(httpx.Client(base_url=f"http://127.0.0.1:{port}"), folder, status=302)
        poll = (str(SCRIPT.with_name("poll.lua")), str(folder / "tokens"), "hello")
        figures = measure_all(
            [
                Contender(name="hello", port=hello, script=poll),
                Contender(name="redirect", port=port, script=_audio(folder), target=0.5),
            ],
            plan,
            "audio, redirect",
        )
    return [_as_measure(figure) for figure in figures]


def _accelerated(folder: Path, plan: Plan) -> list[Measure]:
    folder.mkdir()
    with ExitStack() as stack:
        # A file takes a while, so fewer at once and longer.
        few = replace(plan, seconds=2 * plan.seconds, threads=4)
        nginx = stack.enter_context(nginx_before(free_port()))
        environ = _environ(
            folder, {"CADANS_AUDIO": "accel", "CADANS_STORE": f"folder:{nginx.store}"}
        )
        house = open_house(Settings.from_env(environ))
        _fill(house, folder)
        _store(house, folder)
        house.close()
        port = stack.enter_context(serving("tests.bench.apps:product", environ, plan.threads))
        plain = _serve_plainly(nginx)
        nginx.send_to(port)
        with nginx.client() as client:
            _check(client, folder, status=200)
        figures = measure_all(
            [
                Contender(
                    name="the same file, sent by nginx alone",
                    port=plain,
                    scheme="https",
                    script=(str(SCRIPT), str(folder / "tokens"), str(folder / "files"), "plain"),
                    compared_with="the same file, sent by nginx alone",
                ),
                Contender(
                    name="X-Accel",
                    port=nginx.port,
                    scheme="https",
                    script=_audio(folder),
                    compared_with="the same file, sent by nginx alone",
                    target=0.9,
                ),
            ],
            few,
            "audio, X-Accel",
        )
    return [_as_measure(figure) for figure in figures]


def _environ(folder: Path, more: Mapping[str, str]) -> dict[str, str]:
    return environ_of(folder, f"sqlite:///{folder}/cadans.sqlite3", **more)


def _audio(folder: Path) -> tuple[str, ...]:
    return (str(SCRIPT), str(folder / "tokens"), str(folder / "lessons"), "audio")


def _fill(house: House, folder: Path) -> None:
    """Fill the tables; write down what tokens there are, and what comes behind them."""
    folder.mkdir(exist_ok=True)
    say(f"audio: {SUBSCRIPTIONS:,} subscriptions …")
    fill(house, SUBSCRIPTIONS, folder / "tokens", now=system_clock())
    with house.database.reading() as session:
        names = session.scalars(select(Lesson.public_id)).all()
    (folder / "lessons").write_text("".join(f"{name}-1.mp3\n" for name in names))


def _store(house: House, folder: Path) -> None:
    """Put every recording into the store; write down where each lies."""
    sound = bytes(SOUND_BYTES)
    with house.database.writing() as session:
        for recording in session.scalars(select(Recording)):
            stored = house.store.put(ObjectKey(recording.object_key), [sound], "audio/mpeg")
            recording.size_bytes, recording.etag = stored.size_bytes, stored.etag
        keys = session.scalars(select(Recording.object_key)).all()
    (folder / "files").write_text("".join(f"/{key}\n" for key in keys))


def _serve_plainly(nginx: Nginx) -> int:
    port = free_port()
    words = PLAIN.format(port=port, folder=nginx.folder)
    (nginx.folder / "conf.d" / "plain.conf").write_text(words)
    return port


def _check(client: httpx.Client, folder: Path, *, status: int) -> None:
    """Look before measuring; a proxy that reads its files again takes a moment."""
    token = (folder / "tokens").read_text().split(maxsplit=1)[0]
    for name in (folder / "lessons").read_text().split():
        give_up_at = time.monotonic() + PATIENCE_SECONDS
        while (got := client.get(f"/a/{token}/{name}").status_code) != status:
            if time.monotonic() > give_up_at:
                raise LoadFailed(f"audio is answered {got}, not {status}")
            time.sleep(0.2)


def _as_measure(figure: Figure) -> Measure:
    return Measure(
        bench="audio",
        name=figure.name,
        value=figure.ratio,
        unit=f"x {figure.compared_with}",
        target=figure.target,
        facts={
            "per_second": round(figure.requests_per_second),
            "p99_ms": round(figure.p99_ms, 1),
        },
    )
