"""Load on the request path, by vegeta: bounded in rate and time, and every single answer looked at.

Owns: targets, runs and their figures.  Every target is another visitor, because the controller lets one address make a
hundred requests a second.
"""

from __future__ import annotations

import json
import signal
import subprocess
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from tests.real.programs import program


@dataclass(frozen=True)
class Target:
    """One kind of request."""

    name: str
    address: str
    """Where it is sent, ``host:port``."""
    host: str
    path: str
    cookie: str | None = None
    app: str | None = None
    """The app that may answer it; None where none may."""


@dataclass(frozen=True)
class Hit:
    """One request and its answer."""

    target: Target
    code: int
    """0 where there was no answer."""
    app: str | None
    error: str = ""
    """Why there was none."""
    began: float = 0
    """When it was sent, in seconds as `time.time` has them."""
    took: float = 0
    """Seconds until it was over."""


@dataclass(frozen=True)
class Figures:
    """What a run measured; latencies in milliseconds."""

    requests: int
    rate: float
    p50: float
    p99: float
    success: float


VISITORS = 200
"""How many addresses a run's requests come from."""


class Run:
    """A run of vegeta: start it, do something meanwhile, and ask for what came back.

    `within` is what it is run by, in another network say.
    """

    def __init__(
        self,
        folder: Path,
        targets: Iterable[Target],
        seconds: float,
        *,
        rate: int = 0,
        workers: int = 16,
        timeout: int = 10,
        within: Sequence[str] = (),
    ) -> None:
        self.targets = list(targets)
        self._results = folder / "results.bin"
        file = folder / "targets.json"
        file.write_text("\n".join(json.dumps(each) for each in self._lines()), encoding="utf-8")
        # 0 is as fast as the workers can.
        pace = [f"-rate={rate}/s" if rate else "-rate=0", f"-max-workers={workers}", f"-workers={workers}"]
        self._process = subprocess.Popen(
            [
                *within,
                str(program("vegeta")),
                "attack",
                "-format=json",
                f"-targets={file}",
                f"-duration={seconds}s",
                "-redirects=-1",
                # Names are looked up again, as an address may have gone.
                "-dns-ttl=-1s",
                f"-timeout={timeout}s",
                f"-output={self._results}",
                *pace,
            ]
        )

    def _lines(self) -> Iterator[dict[str, Any]]:
        for visitor in range(VISITORS):
            for number, target in enumerate(self.targets):
                headers = {
                    "Host": [target.host],
                    "CF-Connecting-IP": [f"198.18.{visitor}.{number}"],
                    "X-Forwarded-For": [f"198.18.{visitor}.{number}"],
                    "X-Forwarded-Proto": ["https"],
                    **({"Cookie": [target.cookie]} if target.cookie else {}),
                }
                joint = "&" if "?" in target.path else "?"
                url = f"http://{target.address}{target.path}{joint}target={number}"
                yield {"method": "GET", "url": url, "header": headers}

    def end(self) -> None:
        """No more requests; those that have begun are waited for by `finish`."""
        self._process.send_signal(signal.SIGINT)

    def finish(self) -> None:
        """Wait for the end.

        Raises:
            AssertionError: vegeta failed.
        """
        assert self._process.wait(120) == 0

    def hits(self) -> list[Hit]:
        """Every request with its answer."""
        text = self._vegeta("encode", "-to=json")
        return [self._hit(json.loads(line)) for line in text.splitlines()]

    def figures(self) -> Figures:
        """The whole run in numbers."""
        report = json.loads(self._vegeta("report", "-type=json"))
        times = report["latencies"]
        return Figures(
            requests=report["requests"],
            rate=report["throughput"],
            p50=times["50th"] / 1e6,
            p99=times["99th"] / 1e6,
            success=report["success"],
        )

    def _vegeta(self, *arguments: str) -> str:
        self.finish()
        done = subprocess.run([str(program("vegeta")), *arguments, str(self._results)], capture_output=True, check=True)
        return done.stdout.decode()

    def _hit(self, result: dict[str, Any]) -> Hit:
        number = int(result["url"].rpartition("target=")[2])
        headers = {name.lower(): values for name, values in (result["headers"] or {}).items()}
        app = headers.get("x-standin-app", [None])[0]
        began = datetime.fromisoformat(result["timestamp"]).timestamp()
        return Hit(self.targets[number], result["code"], app, result["error"], began, result["latency"] / 1e9)


@contextmanager
def running(
    folder: Path, targets: Iterable[Target], seconds: float, rate: int, timeout: int = 10, within: Sequence[str] = ()
) -> Iterator[Run]:
    """A run at a steady rate, which has ended when the block has; `within` is what it is run by (`nsenter`)."""
    run = Run(folder, targets, seconds, rate=rate, workers=64, timeout=timeout, within=within)
    try:
        yield run
    finally:
        run.finish()
