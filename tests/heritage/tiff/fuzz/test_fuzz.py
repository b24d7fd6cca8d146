"""Half a minute of fuzzing, and what the fuzzer is made of."""

import importlib.util
import os
import resource
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from heritage.tiff import inspect

ROOT = Path(__file__).resolve().parents[4]
if str(ROOT) not in sys.path:
    sys.path.insert(0, str(ROOT))

from tests.heritage.tiff.fuzz.corpus import write_corpus  # noqa: E402
from tests.heritage.tiff.fuzz.mutator import Mutator, layout_of  # noqa: E402
from tests.heritage.tiff.fuzz.promises import keep_promises  # noqa: E402

SECONDS = 30
KEPT = ROOT / "build" / "fuzz"
"""Where findings of this test are left; git does not see it."""


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The files that this machine can write, without the team's."""
    folder = tmp_path_factory.mktemp("corpus")
    write_corpus(folder)
    return folder


def limits() -> None:
    """Of the fuzzer: neither core files nor a full disk."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (2 << 30, 2 << 30))


@pytest.mark.skipif(importlib.util.find_spec("atheris") is None, reason="atheris is not installed")
def test_half_a_minute_of_hostile_files_breaks_no_promise(tmp_path: Path) -> None:
    done = subprocess.run(
        [
            sys.executable, "-m", "tests.heritage.tiff.fuzz.target", str(tmp_path / "corpus"),
            "-seed=1", f"-max_total_time={SECONDS}", f"-artifact_prefix={tmp_path}/",
        ],
        cwd=ROOT, env=os.environ | {"OMP_NUM_THREADS": "1", "TMPDIR": str(tmp_path)},
        text=True, errors="replace", capture_output=True, check=False, timeout=240,
        preexec_fn=limits,
    )  # fmt: skip
    if done.returncode:
        KEPT.mkdir(parents=True, exist_ok=True)
        found = [
            Path(shutil.copy(one, KEPT))
            for kind in ("crash", "timeout", "oom", "slow-unit", "leak")
            for one in tmp_path.glob(f"{kind}-*")
        ]
        pytest.fail(f"kept as {', '.join(map(str, found))}\n{done.stderr[-4000:]}")
    runs = next(line for line in done.stderr.splitlines() if "number_of_executed_units" in line)
    assert int(runs.split()[-1]) > 300


def test_every_file_of_the_corpus_is_restored(corpus: Path, tmp_path: Path) -> None:
    outcomes = {file.name: keep_promises(file.read_bytes(), tmp_path) for file in corpus.iterdir()}
    assert len(outcomes) > 100
    assert {name for name, outcome in outcomes.items() if outcome != "restored"} == set()


def test_mutations_are_repeatable_and_mostly_reach_the_reader(corpus: Path, tmp_path: Path) -> None:
    """As libFuzzer calls it: a file, a seed. A third of the results are still masters."""
    files = sorted(corpus.iterdir())
    accepted = 0
    for seed, file in enumerate(files):
        data = file.read_bytes()
        changed = Mutator(seed).mutate(data)
        assert changed is not None
        assert changed == Mutator(seed).mutate(data)
        changed_file = tmp_path / "m.tif"
        changed_file.write_bytes(changed)
        try:
            inspect(changed_file)
            accepted += 1
        except Exception:  # noqa: BLE001 - other tests say how it may be refused
            continue
    assert 0.25 * len(files) < accepted < 0.9 * len(files)


@pytest.mark.parametrize("data", [b"", b"II*\0", b"II*\0" + b"\xff" * 40, b"%PDF" * 9, bytes(99)])
def test_what_is_no_tiff_file_is_left_to_the_fuzzer_itself(data: bytes) -> None:
    layout = layout_of(data)
    assert layout is None or not layout.directories
    assert Mutator(1).mutate(data) is None
