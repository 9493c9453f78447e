"""Compare load generators on the same target: CPU time per chunk, requests per second per core, TTFT error.

    python benchmarks/run.py [--clients katydid,locust,…] [--scenarios burst,paced200,…] [--results F] [--repeat N]

Run it with the repository's environment (`./scripts/setup`). It makes an environment for each client in
`benchmarks/.venvs` from pinned requirements. The target runs on the first core, the client on the second.
Each measurement is appended to a file as a line of JSON; the table shows the medians of all lines.
"""

import argparse
import json
import platform
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

from clients import CLIENTS, DRIVERS, HERE, SCENARIOS, Client, Scenario
from measuring import measure

NEEDS_TOKENIZER = {"genai-bench", "guidellm", "aiperf"}


def main() -> int:
    """Measure, and print the table."""
    options = _parser().parse_args()
    clients = [c for c in CLIENTS if _named(options.clients, c.name)]
    scenarios = [s for s in SCENARIOS if _named(options.scenarios, s.name)]
    results: Path = options.results
    for client in clients if not options.table else []:
        bin_folder, failed = _environment(client, options.venvs)
        for scenario in scenarios:
            for _ in range(options.repeat):
                row = failed or _one(client, scenario, bin_folder)
                row |= {"client": client.name, "scenario": scenario.name, "version": _version(client, bin_folder)}
                with results.open("a") as file:
                    file.write(json.dumps(row) + "\n")
                print(json.dumps(row), file=sys.stderr, flush=True)
    print(table([json.loads(line) for line in results.read_text().splitlines()]))
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description="Compare load generators on the embedded target.")
    parser.add_argument("--clients", help="names, or parts of names, comma-separated (default: all)")
    parser.add_argument("--scenarios", help=f"any of {', '.join(s.name for s in SCENARIOS)} (default: all)")
    parser.add_argument("--repeat", type=int, default=1, help="measurements per client and scenario (default: 1)")
    parser.add_argument("--results", type=Path, default=HERE / "results.jsonl", help="file to append results to")
    parser.add_argument("--venvs", type=Path, default=HERE / ".venvs", help="folder of the clients' environments")
    parser.add_argument("--table", action="store_true", help="only print the table, without measuring")
    return parser


def _named(wanted: str | None, name: str) -> bool:
    """Return True if a name is wanted. A full name of a client selects only that client, any other text is a part."""
    whole = {client.name.lower() for client in CLIENTS}
    parts = [part.strip().lower() for part in (wanted or "").split(",")]
    return wanted is None or any(part == name.lower() or (part in name.lower() and part not in whole) for part in parts)


def _environment(client: Client, venvs: Path) -> tuple[Path, dict[str, Any]]:
    """Return the folder of the client's commands, which is made if missing, and the reason if that failed."""
    if client.requirements is None:
        return Path(sys.executable).parent, {}
    folder = venvs / client.requirements
    done = folder / ".done"
    if not done.exists():
        pins = DRIVERS / f"{client.requirements}.txt"
        python = folder / "bin" / "python"
        for command in (
            [sys.executable, "-m", "venv", str(folder)],
            [str(python), "-m", "pip", "install", "--quiet", "--no-deps", "--require-hashes", "-r", str(pins)],
        ):
            made = subprocess.run(command, capture_output=True, text=True, check=False)
            if made.returncode:
                last = made.stderr.strip().splitlines()[-1]
                return folder / "bin", {"not_run": f"installation failed: {last}"}
        done.touch()
    return folder / "bin", {}


def _one(client: Client, scenario: Scenario, bin_folder: Path) -> dict[str, Any]:
    if not scenario.stream and not client.whole_answers:
        return {"not_run": "it only supports streaming"}
    with TemporaryDirectory(prefix="katydid-bench-") as name:
        folder = Path(name)
        if client.package in NEEDS_TOKENIZER:
            command = [str(bin_folder / "python"), str(DRIVERS / "make_tokenizer.py"), str(folder / "tokens")]
            subprocess.run(command, capture_output=True, check=True)
        try:
            return measure(client, scenario, bin_folder, folder).as_dict()
        except (RuntimeError, OSError, ValueError, KeyError, subprocess.SubprocessError) as error:
            return {"not_run": f"{type(error).__name__}: {error}"}


def _version(client: Client, bin_folder: Path) -> str:
    if not client.package:
        return ""
    code = f"from importlib.metadata import version; print(version('{client.package}'))"
    done = subprocess.run([str(bin_folder / "python"), "-c", code], capture_output=True, text=True, check=False)
    return done.stdout.strip()


def table(rows: Iterable[dict[str, Any]]) -> str:
    """Return a Markdown table with a line per client, of medians."""
    rows = list(rows)
    lines = [
        "| client | " + " | ".join(f"{s.title}" for s in SCENARIOS) + " |",
        "|---|" + "---|" * len(SCENARIOS),
    ]
    for client in CLIENTS:
        mine = [row for row in rows if row["client"] == client.name]
        if mine:
            cells = [_cell([row for row in mine if row["scenario"] == s.name], s) for s in SCENARIOS]
            name = f"{client.name} {mine[-1]['version']}".strip()
            lines.append(f"| {name} | " + " | ".join(cells) + " |")
    return "\n".join([f"Python {platform.python_version()}, {platform.system()}, medians.", "", *lines])


def _cell(rows: list[dict[str, Any]], scenario: Scenario) -> str:
    good = [row for row in rows if "us_each" in row]
    if not good:
        return f"not run: {rows[-1]['not_run']}" if rows else "–"
    each = median(row["us_each"] for row in good)
    load = f"{median(row['cpu'] for row in good):.0%} of a core"
    if not scenario.stream:
        return f"{1e6 / each:,.0f} requests/s per core ({each:.0f} µs each)"
    text = f"{each:.2f} µs/chunk, {load}"
    errors = [row["ttft_error_p99"] for row in good if row["ttft_error_p99"] is not None]
    if scenario.name == "burst" or not errors:
        return text
    star = "" if good[-1]["matched"] == "request" else "*"
    return f"{text}; TTFT error p99 {median(errors):.1f} ms{star}"


if __name__ == "__main__":
    sys.exit(main())
