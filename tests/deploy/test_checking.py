"""The checker finds what it is for."""

import pytest

from heritage import __version__
from tests.deploy.checking import command_faults, image_faults, interpolate, variable_faults


@pytest.mark.parametrize(
    "command",
    [
        ["heritage", "review", "--prot=8040"],
        ["heritage", "reviews"],
        ["heritage", "review", "accont"],
        ["prefect", "worker", "start", "--poool=heritage"],
        ["python", "-m", "flows.operations.deploy_them"],
        ["sh", "-ec", "heritage doctor\nheritage docter\n"],
        ["bash", "-c", "true"],
    ],
)
def test_a_command_that_cannot_be_run_is_found(command):
    assert command_faults(command)


def test_commands_that_can_be_run_are_sound():
    assert command_faults(["/opt/heritage/bin/heritage", "review", "--host", "0.0.0.0"]) == []
    assert command_faults(["sh", "-ec", "heritage doctor --json\npython -m flows.cli"]) == []


def test_misspelt_variables_are_found():
    assert variable_faults(["HERITAGE_MEMROY", "PREFECT_API_ULR"]) != []
    assert variable_faults(["HERITAGE_MEMORY", "PREFECT_API_URL", "PATH"]) == []


@pytest.mark.parametrize(
    "image", ["caddy", "caddy:latest", "postgres:17", "heritage:0.0.1-cpu", "prefect:2.1.0"]
)
def test_an_image_that_is_not_certain_is_found(image):
    assert image_faults(image)


def test_certain_images_are_sound():
    assert image_faults("postgres:17.6-trixie") == []
    assert image_faults(f"registry.museum.example:5000/heritage:{__version__}-cuda") == []


def test_values_are_interpolated_as_compose_does():
    assert interpolate("a ${B:-c} ${D:?} $$E", {"D": "d"}) == "a c d $E"
    with pytest.raises(KeyError, match="D"):
        interpolate(["${D:?}"], {"D": ""})
