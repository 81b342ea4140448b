"""`python -m bench [sizes]`: what a preview of Warren costs, beside bare programs that register the same resources.

A size is `home` (the reference stack's exact config, in the sandbox) or a number of generated workspaces with five
apps each. Every preview is from nothing, by the real engine with the sandbox's stand-ins, in a temporary directory of
its own. Runs of the programs take turns, and the figures are medians.

The programs:
- `Warren`: `__main__.py`, `components/`, `config/` and `manifests/` as they are in the checkout.
- `typed`: the rival. Imports pulumi_kubernetes, pulumi_cloudflare and pulumi_random plainly and uses their resource
  classes.
- `raw`: the floor. The same resources as `pulumi.CustomResource` with dicts.

The same for all: engine, stand-ins, stack file with its secrets, and each resource's type, name, inputs, secrets,
parent, dependencies, protection and component outputs; the number of resources that the engine counts must be equal
or the run fails. Different, each in favour of the bare programs: they read the finished resources from one JSON file
and decide nothing; every output that Warren passes on is a constant for them; they call no provider function, export
nothing and print no route table. Different because the SDKs are: the typed classes add their aliases, and translate
the keys of what they are given.

Shares: imports, pure part, composing and registration are processor time of the program against a monitor in its own
process that answers at once (`bench/inside.py`, which says what each is). The rest of a preview's time is the engine,
the language host, the plugins, and waiting for one another. In a real preview the shares overlap, because the engine
works while the program registers, so this rest is a lower bound.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

from bench import measure, report
from bench.project import HOME, ROOT, STACK, Failed, Project, bare, warren
from bench.report import PROGRAMS, Row, Shares

_INSIDE = ROOT / "bench" / "inside.py"
_SIZES = (HOME, "10", "50", "200")
REGISTERED = "registered.json"
"""In each project: what its program registers."""
_LARGE = 100
"""From here on one run is enough: noise is small beside minutes."""


def main() -> int:
    """Measure, print, and return the exit code: 1 when a run failed, or an aim was missed and --check was given."""
    options = _options()
    rows: dict[tuple[str, str], Row] = {}
    with tempfile.TemporaryDirectory(prefix="warren-bench-") as directory:
        for size in options.sizes:
            runs = options.runs or (1 if size != HOME and int(size) >= _LARGE else 3)
            try:
                for row in measured(Path(directory) / size, size, runs):
                    rows[size, row.program] = row
            except Failed as failed:
                print(f"bench: {failed}", file=sys.stderr)
                return 1
    sections = {
        "Previews: seconds of wall time, peak memory of all processes, seconds of processor time": report.previews(
            rows
        ),
        "Shares, in seconds": report.shares(rows),
        "One app more, in milliseconds": report.growth(rows),
    }
    for title, table in sections.items():
        print(f"\n{title}\n{table}")
    found = report.aims(rows)
    print("\nAims", *found, sep="\n")
    return int(options.check and any(aim.met is False for aim in found))


def measured(directory: Path, size: str, runs: int) -> list[Row]:
    """All programs at one size.

    Raises:
        Failed: a run ended badly, or the programs did not register the same number of resources.
    """
    _say(f"{size}: generating, and recording what Warren registers")
    projects = same_resources(directory, size)
    costs: dict[str, list[measure.Cost]] = {program: [] for program in PROGRAMS}
    shares: dict[str, list[dict[str, float]]] = {program: [] for program in PROGRAMS}
    counts: dict[str, int] = {}
    for run in range(runs):
        for program, project in projects.items():
            shares[program].append(json.loads(project.python(_INSIDE, STACK)))
            cost, counts[program] = project.preview()
            costs[program].append(cost)
            figures = f"{cost.seconds:.1f} s, {cost.peak_mib:.0f} MiB, {counts[program]} resources"
            _say(f"{size}: run {run + 1} of {runs}: {program} {figures}")
    if len(set(counts.values())) != 1:
        raise Failed(f"{size}: the programs do not make the same resources: {counts}")
    return [
        Row(
            size=size,
            program=program,
            resources=counts[program],
            seconds=_median(costs[program], lambda cost: cost.seconds),
            peak_mib=_median(costs[program], lambda cost: cost.peak_mib),
            cpu_seconds=_median(costs[program], lambda cost: cost.cpu_seconds),
            shares=Shares(
                **{key: statistics.median(each[key] for each in shares[program]) for key in Shares.__annotations__}
            ),
        )
        for program in PROGRAMS
    ]


def same_resources(directory: Path, size: str) -> Mapping[str, Project]:
    """The projects of one size: Warren, and the bare programs with what Warren registers there."""
    ours = warren(directory / "warren", size)
    listing = ours.directory / REGISTERED
    ours.python(_INSIDE, STACK, str(listing))
    rivals = {program: bare(directory / program, program, ours, listing) for program in PROGRAMS[1:]}
    for project in rivals.values():
        # This also compiles what they import, so that no run pays for it.
        project.python(_INSIDE, STACK, str(project.directory / REGISTERED))
    return {PROGRAMS[0]: ours, **rivals}


def _median(costs: list[measure.Cost], of: Callable[[measure.Cost], float]) -> float:
    return statistics.median(of(cost) for cost in costs)


def _say(text: str) -> None:
    print(f"bench: {text}", file=sys.stderr, flush=True)


def _size(text: str) -> str:
    if text != HOME and not (text.isdigit() and 1 <= int(text) <= 900):
        raise argparse.ArgumentTypeError(f"{text!r} is neither {HOME} nor a number of workspaces (1-900)")
    return text


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="bench", description="Time and memory of previews, beside bare programs with the same resources."
    )
    parser.add_argument(
        "sizes",
        nargs="*",
        type=_size,
        default=_SIZES,
        help=f"home, or numbers of workspaces (default: {' '.join(_SIZES)})",
    )
    parser.add_argument(
        "--runs", type=int, help=f"runs of each program (default: 3, and 1 from {_LARGE} workspaces on)"
    )
    parser.add_argument("--check", action="store_true", help="fail when an aim is missed")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
