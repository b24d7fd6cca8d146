"""How much memory and time a large master takes.

    python benchmarks/big_master.py [--side 20000] [--share 0.01] [--model telea] [--memory 1GiB]

Makes an 8-bit RGB master with cracks and losses in a temporary folder, restores it in a process of
its own, prints peak resident memory (of that process, and of the guarded one that inspects files)
and seconds per step, and writes ``big_master.json``.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
from pathlib import Path

from masters import write_mask, write_master

RUN = """
import json, sys, time
from pathlib import Path
begun = time.monotonic()
import heritage
from heritage.restore import Options, finish, run_batches
from heritage.restore.prepare import prepare
from heritage.resident import resident
from heritage.restore.verify import verify
folder, model, memory = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
seconds, peak = {}, {}
def step(name):
    global begun
    now = time.monotonic()
    seconds[name], begun = round(now - begun, 2), now
    peak[name] = resident("peak")
step("import")
options = Options(memory=memory)
with prepare(folder / "big.tif", None, model, folder / "out", options=options) as job:
    step("prepare")
    predicted, windows = job.record["memory"], len(job.plan.windows)
    run_batches(job.folder, job.pending(), "cpu")
    step("inpaint")
    done = finish(job.folder)
    step("finish")
ok = verify(done.folder).ok
step("verify")
from heritage.tiff import guard
held = sum(resident("peak", pid) for pid in guard.GUARDS.processes())
print(json.dumps({"seconds": seconds, "peak": peak, "predicted": predicted, "windows": windows,
    "regions": done.regions, "share": done.share, "verified": ok, "inspector": held}))
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--side", type=int, default=20_000)
    parser.add_argument("--share", type=float, default=0.01)
    parser.add_argument("--model", default="telea")
    parser.add_argument("--memory", default="1GiB")
    parser.add_argument("--folder", type=Path, help="for temporary files")
    parser.add_argument("--json", type=Path, default=Path("big_master.json"))
    said = parser.parse_args()
    from heritage.sizes import parse_size

    with tempfile.TemporaryDirectory(dir=said.folder) as name:
        folder = Path(name)
        make(folder, said.side, said.share)
        command = [sys.executable, "-c", RUN, name, said.model, str(parse_size(said.memory))]
        done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
        result = json.loads(done.stdout.splitlines()[-1])
        result["master_bytes"] = (folder / "big.tif").stat().st_size
    report(said, result)


def make(folder: Path, side: int, share: float) -> None:
    """A master and its mask: a textured picture with long cracks, losses and specks."""
    write_master(folder / "big.tif", side, side, compression="zlib")
    write_mask(folder / "big.mask.tif", side, side, share)


def report(said: argparse.Namespace, result: dict[str, object]) -> None:
    """Print a table and write the JSON."""
    seconds, peak = dict(result["seconds"]), dict(result["peak"])  # type: ignore[call-overload]
    print(f"{'step':10}{'seconds':>10}{'peak MiB':>12}")
    for name in seconds:
        print(f"{name:10}{seconds[name]:10.1f}{peak[name] / 2**20:12.0f}")
    for name in ("predicted", "inspector", "master_bytes"):
        print(f"{name:14}{int(str(result[name])) / 2**20:18.0f} MiB")
    print({name: result[name] for name in ("windows", "regions", "share", "verified")})
    commit = subprocess.run(["git", "rev-parse", "HEAD"], capture_output=True, text=True)
    result |= {
        "side": said.side,
        "model": said.model,
        "memory": said.memory,
        "machine": {"cpus": os.cpu_count(), "python": platform.python_version()},
        "commit": commit.stdout.strip(),
    }
    said.json.write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
