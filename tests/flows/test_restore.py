import json
import os
import sqlite3
from collections.abc import Callable
from contextlib import closing
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import tifffile

from flows.orchestrator import Orchestrator
from flows.progress import COMPOSING, INPAINTING, Event, Progress, watching
from flows.report import Fate
from heritage.catalogue import open_catalogue
from heritage.errors import MasterRefused, OutputInTheWay
from heritage.restore.verify import verify
from heritage.settings import load_settings
from heritage.tiff import sha256_file

pytestmark = pytest.mark.usefixtures("prefect_server")


def test_a_master_is_restored_proven_and_on_record(make_master: Callable[..., Path]) -> None:
    from flows.restore import restore_image

    source = make_master()
    outcome = restore_image(source, Path("out"), model="telea")
    assert outcome.fate is Fate.RESTORED
    assert outcome.regions == 2
    assert outcome.damaged_pixels == 10 * 100 + 20 * 20
    assert verify(outcome.folder, source).ok
    with open_catalogue(load_settings()) as catalogue:
        history = catalogue.history(source)
        assert catalogue.verify_chain().intact
    happened = [event.type for event in history.events]
    assert {"ingestion", "message digest calculation", "modification"} <= set(happened)
    assert [line.status for line in history.restorations] == ["awaiting review"]


def test_what_is_done_is_not_done_again_but_found_even_without_catalogue(
    make_master: Callable[..., Path], workspace: Path
) -> None:
    from flows.restore import restore_image

    source = make_master()
    first = restore_image(source, Path("out"), model="telea")
    assert first.restored is not None
    written = first.restored.stat().st_mtime_ns
    (workspace / "catalogue.sqlite").unlink()
    for _ in range(2):
        again = restore_image(source, Path("out"), model="telea")
        assert again.fate is Fate.ALREADY
        assert again.restored == first.restored
    assert first.restored.stat().st_mtime_ns == written
    with open_catalogue(load_settings()) as catalogue:
        assert len(catalogue.restorations()) == 1


def test_another_restoration_in_the_way_stays_and_the_refusal_is_on_record(
    make_master: Callable[..., Path],
) -> None:
    from flows.restore import restore_image

    source = make_master()
    restore_image(source, Path("out"), model="telea")
    with pytest.raises(OutputInTheWay):
        restore_image(source, Path("out"), model="navier-stokes")
    with open_catalogue(load_settings()) as catalogue:
        assert [line.status for line in catalogue.restorations()] == ["awaiting review"]


def test_a_master_without_mask_is_left_alone(make_master: Callable[..., Path]) -> None:
    from flows.restore import restore_image

    outcome = restore_image(make_master(mask=False), Path("out"), model="telea", detect=False)
    assert outcome.fate is Fate.LEFT_ALONE
    assert "no mask" in outcome.reason


def _looks_only_for(what: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("heritage.damage.propose.DEFAULT", (what,))


def _cracked(path: Path) -> Path:
    picture = tifffile.imread(path)
    for row in (40, 80, 120):
        picture[row : row + 3, 5:155] = 2_000
    tifffile.imwrite(path, picture, photometric="rgb", tile=(64, 64))
    return path


def _scratched(path: Path) -> Path:
    """Two scratches, far from each other, in a master of 400 x 400 pixels."""
    picture = tifffile.imread(path)
    for row in (60, 320):
        picture[row : row + 3, 40:360] = 2_000
    tifffile.imwrite(path, picture, photometric="rgb", tile=(64, 64))
    return path


def test_a_master_without_mask_is_searched_and_what_is_filled_is_a_proposal(
    make_master: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    from flows.restore import restore_image

    _looks_only_for("scratches", monkeypatch)
    source = _scratched(make_master(side=400, mask=False))
    before = source.read_bytes()
    run = partial(restore_image, source, Path("out"), model="telea", policy="photograph")
    outcome = run()
    assert outcome.fate is Fate.RESTORED
    restored, mask = tifffile.imread(outcome.restored), tifffile.imread("out/mill/mill.mask.tif")
    assert mask[321, 80:320].mean() > 250
    assert restored[321, 80:320].min() > 5_000
    assert np.array_equal(restored[mask == 0], tifffile.imread(source)[mask == 0])
    assert source.read_bytes() == before
    said = json.loads(Path("out/mill/mill.provenance.json").read_text())["mask"]["proposal"]
    assert (said["status"], said["policy"], said["detectors"]) == (
        "proposed", "photograph", ["scratches"],
    )  # fmt: skip
    with closing(sqlite3.connect("workspace/catalogue.sqlite")) as base:
        masks = base.execute("SELECT origin, status FROM mask").fetchall()
    assert masks == [("detected", "proposed")]
    for kind in ("damage", "decisions"):
        kept = Path("out/mill") / said[kind]["file"]
        assert sha256_file(kept) == said[kind]["sha256"]
    found = Path("out/mill.found/mill.damage.json")
    searched = found.stat().st_mtime_ns
    assert run().fate is Fate.ALREADY
    assert found.stat().st_mtime_ns == searched
    restore_image(source, Path("out"), model="telea", policy="mural")  # decides otherwise
    assert verify("out/mill").ok
    Path("out/mill/mill.policy.json").unlink()
    assert "mill.policy.json: is missing" in str(verify("out/mill").findings[0])


def test_a_proposal_that_a_person_hands_in_is_accepted(
    make_master: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    from flows.restore import restore_image

    _looks_only_for("scratches", monkeypatch)
    source = _scratched(make_master(side=400, mask=False))
    restore_image(source, Path("out"), model="telea", policy="photograph")
    mask = Path("out/mill/mill.mask.tif")
    restore_image(source, Path("other"), mask=mask, model="telea")
    with closing(sqlite3.connect("workspace/catalogue.sqlite")) as base:
        masks = base.execute("SELECT origin, status FROM mask").fetchall()
        events = base.execute("SELECT count(*) FROM event WHERE type = 'appraisal'").fetchone()
    assert masks == [("detected", "accepted")]
    assert events == (1,)


def test_protected_areas_beside_a_master_are_never_filled(
    make_master: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    from flows.restore import restore_image

    _looks_only_for("scratches", monkeypatch)
    source = _scratched(make_master(side=400, mask=False))
    whole = {"type": "Polygon", "coordinates": [[[0, 0], [400, 0], [400, 200], [0, 200]]]}
    source.with_name("mill.protect.geojson").write_text(json.dumps(whole))
    restore_image(source, Path("out"), model="telea", policy="photograph")
    mask = tifffile.imread("out/mill/mill.mask.tif")
    assert not mask[:200].any()
    assert mask[321, 80:320].mean() > 250


def test_damage_that_the_policy_leaves_is_documented_and_nothing_is_restored(
    make_master: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    from flows.restore import restore_image

    _looks_only_for("cracks", monkeypatch)
    source = _cracked(make_master(mask=False))
    outcome = restore_image(source, Path("out"), model="telea")
    assert outcome.fate is Fate.LEFT_ALONE
    assert "none of it to be filled under the policy painting" in outcome.reason
    assert Path("out/mill.found/mill.policy.json").is_file()
    assert not Path("out/mill").exists()
    sound = restore_image(make_master("sound", mask=False), Path("out"), model="telea")
    assert sound.reason == "no damage found; give a mask if there is some"


def test_a_file_that_is_no_master_fails_its_run_and_is_on_record(tmp_path: Path) -> None:
    from flows.restore import restore_image

    source = tmp_path / "letter.tif"
    source.write_text("Dear Sir")
    with pytest.raises(MasterRefused):
        restore_image(source, Path("out"), model="telea")
    with open_catalogue(load_settings()) as catalogue:
        refusals = catalogue.refusals()
    assert [Path(line.path).name for line in refusals] == ["letter.tif"]


def test_a_failure_that_cannot_be_recorded_says_both(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from flows.records import recorded

    monkeypatch.setenv("HERITAGE_DATABASE_URL", f"sqlite:///{tmp_path}")  # a folder
    fault = recorded(MasterRefused("is not a TIFF", tmp_path / "x.tif"), tmp_path / "x.tif")
    assert isinstance(fault, MasterRefused)
    assert "is not a TIFF" in fault.reason
    assert "recorded" in fault.reason


def test_a_run_that_fails_half_way_is_on_record_and_can_be_continued(
    make_master: Callable[..., Path],
) -> None:
    from flows.restore import restore_image

    source = make_master()

    def touch(event: Event) -> None:
        if isinstance(event, Progress) and event.stage == "inpainting":
            os.utime(source, (1, 1))

    with watching(touch), pytest.raises(MasterRefused, match="changed while"):
        restore_image(source, Path("out"), model="telea")
    with open_catalogue(load_settings()) as catalogue:
        line = catalogue.restorations()[0]
        assert line.status == "failed"
        assert "changed while" in str(line.reason)
    assert restore_image(source, Path("out"), model="telea").fate is Fate.RESTORED
    with open_catalogue(load_settings()) as catalogue:
        assert [line.status for line in catalogue.restorations()] == ["awaiting review"]


def test_progress_is_counted_in_damaged_pixels_and_regions(
    make_master: Callable[..., Path],
) -> None:
    from flows.restore import restore_image

    source = make_master("large", side=900, cracks=5)
    told: list[Progress] = []
    with watching(lambda event: told.append(event) if isinstance(event, Progress) else None):
        outcome = restore_image(source, Path("out"), model="telea")
    steps = [event for event in told if event.stage == INPAINTING]
    done = [event.done for event in steps]
    assert done == sorted(done)
    assert (done[0], steps[0].regions_done) == (0, 0)
    assert done[-1] == steps[-1].total >= outcome.damaged_pixels
    assert steps[-1].regions_done == steps[-1].regions == outcome.regions
    composing = [event for event in told if event.stage == COMPOSING]
    assert composing[-1].done == composing[-1].total > 0


def test_a_run_is_learnt_from(make_master: Callable[..., Path]) -> None:
    from flows.restore import restore_image
    from heritage.restore.inpainters import load_inpainter
    from heritage.restore.paces import remembered

    model = load_inpainter("navier-stokes", "cpu")
    before = remembered(model).megapixels
    restore_image(make_master(), Path("out"), model="navier-stokes", device="cpu")
    assert remembered(model).megapixels > before


def test_runs_say_which_master_and_need_nothing_but_their_parameters(
    make_master: Callable[..., Path], prefect_server: Orchestrator
) -> None:
    from prefect.client.orchestration import get_client

    from flows.restore import restore_image

    restore_image(make_master("portrait of a miller"), Path("out"), model="telea")
    with get_client(sync_client=True) as client:
        names = [run.name for run in client.read_flow_runs()]
    assert "restore portrait of a miller.tif" in names
    described = restore_image.parameters.properties
    assert all("description" in field for field in described.values())
    assert prefect_server.ours
