"""The picture service, judged by IIIF's own validator."""

import subprocess
import sys
from urllib.parse import urlsplit

import numpy as np
import pytest
import tifffile

from db.vocabulary import Role
from heritage.review.desk import Person
from heritage.review.web import guard
from heritage.tiff import inspect, sha256_file

WRONG = {
    # asks for 400 where "!w,h" is larger than the picture; Image API 3, 4.2, says that the answer
    # is "as large as possible but not larger than the extracted region"
    "size_noup",
}
GRID = "from iiif_validator.validator import ValidationInfo; print(ValidationInfo().colorInfo)"
RUN = """
import sys
from iiif_validator.validator import ImageAPI, TestSuite, ValidationInfo
names = TestSuite(ValidationInfo()).list_tests("3.0")
for name in sorted(names):
    if names[name]["level"] > 2 or name in sys.argv[3:]:
        continue
    result = ImageAPI(sys.argv[2], sys.argv[1], "iiif/3", "http", "", "3.0", debug=False)
    try:
        TestSuite(ValidationInfo()).run_test(name, result)
        fault = result.exception
    except Exception as error:
        fault = error
    print(name, "ok" if fault is None else f"FAILED {fault!r} {result.urls}")
"""


def python(*arguments):
    """A program in a process of its own: the validator has warnings that are none of ours."""
    command = [sys.executable, "-W", "ignore", "-c", *arguments]
    done = subprocess.run(command, capture_output=True, check=True, text=True, timeout=240)
    return done.stdout


def test_the_validator_of_iiif_finds_no_fault(house, app, served, tmp_path):
    pytest.importorskip("magic")
    colours = np.array(eval(python(GRID).splitlines()[-1]), np.uint8)
    grid = colours.transpose(1, 0, 2).repeat(100, axis=0).repeat(100, axis=1)
    tifffile.imwrite(tmp_path / "grid.tif", grid, photometric="rgb", tile=(256, 256))
    sha256 = sha256_file(tmp_path / "grid.tif")
    house.desk.record_master(inspect(tmp_path / "grid.tif"), sha256)
    anybody = guard.Visitor(Person(1, "vic", "Vic", Role.VIEWER), "")  # the validator cannot log in
    app.dependency_overrides[guard._visitor] = lambda: anybody
    said = python(RUN, urlsplit(served).netloc, f"{sha256}~before", *WRONG).splitlines()
    said = [line for line in said if line.endswith(" ok") or "FAILED" in line]
    assert len(said) > 30
    assert [line for line in said if "FAILED" in line] == []


def test_the_manifest_is_one(caller, house, served):
    answer = caller("vic").get(f"/iiif/presentation/3/{house.identifier}/manifest.json")
    said = answer.json()
    assert said["@context"] == "http://iiif.io/api/presentation/3/context.json"
    assert (said["type"], said["id"]) == ("Manifest", str(answer.url))
    assert "digital completion" in said["requiredStatement"]["value"]["en"][0]
    canvas = said["items"][0]
    assert (canvas["width"], canvas["height"]) == (900, 700)
    body = canvas["items"][0]["items"][0]["body"]
    assert [item["label"]["en"] for item in body["items"]] == [
        ["before"],
        ["after (digital completion)"],
    ]
    for item in body["items"]:
        service = item["service"][0]["id"]
        assert service.startswith(served)
        assert caller("vic").get(service + "/info.json").json()["id"] == service
    notes = canvas["annotations"][0]["items"]
    assert len(notes) == 3
    assert "xywh=" in str(notes[0]["target"])
    assert answer.headers["access-control-allow-origin"] == "*"
