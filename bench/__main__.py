"""``make bench``: all contenders in one run, in turns, so that whatever else the machine does meets all of them.

Prints a table for each shape, and last one line of JSON with every figure and ratio. ``--quick`` is one short round.
"""

import argparse
import json
import statistics
import subprocess
import sys
from collections.abc import Callable
from typing import Any

from bench.contenders import PROJECT, Bench, Contender, Shape, bench

MANY = Shape(20, 25)
LARGE = Shape(1, 200)
PAYLOAD_BYTES = 420
"""An MLS message padded to 256 bytes, as most are, with its header and signature."""
# Deliveries a second: 25,000 busy, 2,500 light. The tutorial drops messages when it is busy: it is asked for little.
RATES = {"20x25": {"busy": 1000.0, "light": 100.0}, "1x200": {"busy": 125.0, "light": 12.5}}
TUTORIAL_RATES = {"20x25": {"light": 40.0}, "1x200": {"light": 5.0}}
FIGURES = (
    ("cpu_ms", "CPU ms/1000"),
    ("cpu_ms_all", "with db"),
    ("p50_ms", "p50 ms"),
    ("p99_ms", "p99 ms"),
    ("lost", "lost"),
)


def main() -> int:
    """Run the bench; the status is 1 when something was lost."""
    arguments = _arguments()
    results: dict[str, dict[str, Any]] = {}
    for shape in (MANY, LARGE):
        if arguments.shape and str(shape) != arguments.shape:
            continue
        with bench() as running:
            contenders = _start(running, shape, arguments.only)
            rounds: dict[str, list[dict[str, Any]]] = {one.name: [] for one in contenders}
            for _ in range(arguments.rounds):
                for one in contenders:
                    rounds[one.name].append(_measure(one, shape, arguments.seconds))
            results[str(shape)] = {name: _middle(runs) for name, runs in rounds.items()}
        _print(shape, results[str(shape)])
    lost = sum(
        phase["lost"] + phase["wrong"]
        for shape_results in results.values()
        for name, one in shape_results.items()
        if name.startswith("ours")
        for phase in one["phases"].values()
    )
    print(json.dumps({"lost": lost, "ratios": _ratios(results), "figures": results}))
    return 1 if lost else 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench")
    parser.add_argument("--quick", action="store_true", help="one short round")
    parser.add_argument("--rounds", type=int)
    parser.add_argument("--seconds", type=float)
    parser.add_argument("--shape", choices=["20x25", "1x200"])
    parser.add_argument("--only", nargs="*", help="contenders whose name begins so")
    arguments = parser.parse_args()
    arguments.rounds = arguments.rounds or (1 if arguments.quick else 3)
    arguments.seconds = arguments.seconds or (3.0 if arguments.quick else 6.0)
    return arguments


def _start(running: Bench, shape: Shape, only: list[str] | None) -> list[Contender]:
    makers: dict[str, Callable[[], Contender]] = {
        "picows": lambda: running.bare(shape),
        "tutorial": lambda: running.tutorial(shape),
        "ours-daphne-sqlite": lambda: running.ours(shape),
        "ours-uvicorn-sqlite": lambda: running.ours(shape, server="uvicorn"),
        "ours-daphne-postgresql": lambda: running.ours(shape, database="postgresql"),
        "ours-daphne-postgresql-2": lambda: running.ours(shape, database="postgresql", processes=2),
    }
    return [make() for name, make in makers.items() if not only or name.startswith(tuple(only))]


def _measure(contender: Contender, shape: Shape, seconds: float) -> dict[str, Any]:
    """Run one load against one contender, in a process of its own."""
    rates = TUTORIAL_RATES if contender.kind == "tutorial" else RATES
    phases = [{"name": name, "rate": rate, "seconds": seconds} for name, rate in rates[str(shape)].items()]
    job = contender.job(phases=phases, payload_bytes=PAYLOAD_BYTES)
    done = subprocess.run(
        [sys.executable, "-m", "bench.load"],
        cwd=PROJECT,
        input=json.dumps(job),
        stdout=subprocess.PIPE,
        text=True,
        check=True,
        timeout=300,
    )
    result: dict[str, Any] = json.loads(done.stdout)
    print(f"  {shape} {contender.name}: {result['sockets']} sockets", file=sys.stderr, flush=True)
    return result


def _middle(runs: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the median of each figure; of losses the sum."""
    middle: dict[str, Any] = {
        name: statistics.median(run[name] for run in runs)
        for name in ("sockets", "connects_per_second", "connect_cpu_ms", "idle_kb")
    }
    # A process that served sockets before has memory to spare: only the first round tells what one costs.
    middle["idle_kb"] = runs[0]["idle_kb"]
    middle["phases"] = {}
    for position, phase in enumerate(runs[0]["phases"]):
        same = [run["phases"][position] for run in runs]
        figures = {name: statistics.median(one[name] for one in same) for name in phase if name != "name"}
        for name in ("lost", "wrong", "refused", "behind"):
            figures[name] = sum(one[name] for one in same)
        middle["phases"][phase["name"]] = figures
    return middle


def _print(shape: Shape, results: dict[str, Any]) -> None:
    heads = [f"{phase} {head}" for phase in ("busy", "light") for _, head in FIGURES]
    print(f"\n{shape}: CPU of the server for 1,000 deliveries; connecting; memory of an idle socket")
    print(f"{'':26}" + "".join(f"{head:>18}" for head in heads) + f"{'connects/s':>12}{'idle KB':>9}")
    for name, one in results.items():
        row = f"{name:26}"
        for phase in ("busy", "light"):
            figures = one["phases"].get(phase)
            row += "".join(
                f"{'-' if figures is None else format(figures[figure], '.2f'):>18}" for figure, _ in FIGURES
            )
        print(f"{row}{one['connects_per_second']:12.0f}{one['idle_kb']:9.1f}", flush=True)


def _ratios(results: dict[str, Any]) -> dict[str, float]:
    """Return each of ours, and the tutorial, against picows and against the tutorial, by shape and phase."""
    ratios = {}
    for shape, contenders in results.items():
        for name, one in contenders.items():
            for phase, figures in one["phases"].items():
                for other in ("picows", "tutorial"):
                    base = contenders.get(other, {"phases": {}})["phases"]
                    against = base.get(phase) or base.get("light")
                    if name != other and against and figures["cpu_ms"]:
                        key = f"{shape} {phase} {name}/{other}"
                        ratios[key] = round(figures["cpu_ms"] / against["cpu_ms"], 3)
    return ratios


if __name__ == "__main__":
    sys.exit(main())
