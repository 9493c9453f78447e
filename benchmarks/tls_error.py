"""Is the TTFT over TLS as exact as without TLS? Its error against the target's log, at a number of concurrent streams.

    python benchmarks/tls_error.py [--streams 100] [--run-time 20]

Makes a certificate with the `openssl` command, and trusts it with `--ca-file`. The embedded target has the first core,
the generator the second. `ttft_error` is the measured TTFT minus the target's own, per request; `arrival_error`
excludes the target's delay in reading the request. Requests whose TTFT is only an upper bound are counted in
`bound_share`, and excluded from the errors.
"""

import argparse
import json
import shutil
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path
from tempfile import TemporaryDirectory

import pandas as pd
from clients import environment

from katydid.analysis.calibration import compared, errors
from katydid.doctor.trial import pinned, share_out
from katydid.target.process import RunningTarget
from katydid.target.settings import TargetSettings

STREAM = {"ttft": 0.2, "chunk_interval": 0.02, "chunks": 50}
TAKES, INTERVAL = 1.18, 1.5
"""Duration of a stream, and a user's interval, in seconds."""
SETTLE = 3.0


def main() -> int:
    """Make both runs, and print their figures as JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--streams", type=int, default=100)
    parser.add_argument("--run-time", type=int, default=20)
    options = parser.parse_args()
    with TemporaryDirectory(prefix="katydid-bench-") as name:
        figures = {
            kind: measure(Path(name) / kind, options.streams, options.run_time, tls=kind == "tls")
            for kind in ("plain", "tls")
        }
    print(json.dumps(figures, indent=2))
    return 0


def measure(folder: Path, streams: int, run_time: int, *, tls: bool) -> dict[str, object]:
    """Make one run.

    Raises:
        RuntimeError: it ended with an error.
    """
    folder.mkdir()
    cert, key = folder / "cert.pem", folder / "key.pem"
    if tls:
        make_certificate(cert, key)
    cores, files = share_out(), {"tls_cert": str(cert), "tls_key": str(key)} if tls else {}
    with pinned(cores.target):
        target = RunningTarget(TargetSettings(**STREAM, **files, log=str(folder / "truth")))
    with target:
        users = round(streams * INTERVAL / TAKES)
        words = [
            sys.executable, "-m", "katydid", "run", "stream", "--host", target.url, "--users", str(users),
            "--spawn-rate", str(users), "--interval", str(INTERVAL), "--run-time", f"{run_time}s", "--warm-up",
            str(SETTLE), "--max-tokens", "1000", "--results", "runs", "--version-label", "v",
            *(["--ca-file", str(cert)] if tls else []),
        ]  # fmt: skip
        with pinned(cores.generator):
            done = subprocess.run(
                words, cwd=folder, env=environment({}), stdin=subprocess.DEVNULL, capture_output=True, check=False
            )
        truth = pd.DataFrame(target.log())
    if done.returncode not in {0, 4}:
        raise RuntimeError(done.stderr.decode()[-500:])
    (run,) = (path.parent for path in folder.rglob("samples.parquet"))
    samples = pd.read_parquet(run / "samples.parquet")
    counted = samples[~samples["warm_up"]]
    found = compared(counted, truth)
    exact = found[~found["bound"]]
    summary = json.loads((run / "summary.json").read_text())
    begun, ended = counted["start_ms"], counted["start_ms"] + counted["duration_ms"]
    return {
        "streams_at_a_time": round(float((ended - begun).sum() / (ended.max() - begun.min())), 1),
        "requests": len(found),
        "ttft_error": asdict(errors(exact["ttft"])),
        "arrival_error": asdict(errors(exact["arrival"])),
        "mean_gap_error": asdict(errors(found["gap"])),
        "bound_share": round(float(found["bound"].mean()), 4),
        "valid": summary["valid"],
        "invalid_reasons": summary["invalid_reasons"],
    }


def make_certificate(cert: Path, key: Path) -> None:
    """Make a self-signed certificate for 127.0.0.1."""
    openssl = shutil.which("openssl")
    if openssl is None:
        raise RuntimeError("needs the openssl command")
    subprocess.run(
        [openssl, "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=127.0.0.1", "-addext",
         "subjectAltName=IP:127.0.0.1", "-days", "2", "-keyout", str(key), "-out", str(cert)],
        check=True, capture_output=True,
    )  # fmt: skip


if __name__ == "__main__":
    sys.exit(main())
