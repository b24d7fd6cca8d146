"""The list of published weights says what is true of the networks here."""

import subprocess
import sys

import pytest
import torch

import models
from models.importing.checkpoint import check_name
from models.importing.published import PUBLISHED, published_as
from models.registry import ARCHITECTURES

KEYS = [entry.key for entry in PUBLISHED]


@pytest.fixture(params=PUBLISHED, ids=KEYS)
def entry(request):
    return request.param


def test_names_are_one_per_entry_and_can_be_imported_under():
    assert len(set(KEYS)) == len(KEYS)
    for key in KEYS:
        check_name(key)


def test_the_number_of_parameters_is_that_of_the_network(entry):
    with torch.device("meta"):
        network = models.create(entry.architecture, **entry.config)
    assert entry.parameters == sum(parameter.numel() for parameter in network.parameters())
    assert sum(entry.parts) in (0, entry.parameters)


def test_each_is_found_by_its_network_and_by_its_parts(entry):
    for parameters in (entry.parameters, *entry.parts):
        assert published_as(entry.architecture, parameters) is entry


def test_other_widths_and_architectures_are_nobodys(entry):
    assert published_as(entry.architecture, entry.parameters + 1) is None
    assert published_as("identity", entry.parameters) is None


def test_each_says_what_a_registrar_needs(entry):
    assert entry.purpose.endswith(".")
    assert entry.purpose.count(". ") == 0
    assert entry.source.startswith("https://github.com/")
    assert entry.paper
    assert entry.licence
    assert entry.code_licence
    assert entry.files
    assert entry.trained_on
    assert entry.command.startswith("heritage models import ")
    if "NC" in entry.licence:
        assert "ommercial" in entry.remark or "esearch" in entry.remark


def test_every_architecture_that_was_published_is_listed():
    ours = {"biggan", "by-width", "coarse-to-fine", "edsr"}
    halves = {"edgeconnect-edge", "edgeconnect-inpaint"}
    assert {entry.architecture for entry in PUBLISHED} == ARCHITECTURES.keys() - ours - halves


def test_no_hash_is_claimed_that_nobody_has_computed():
    for entry in PUBLISHED:
        assert all(len(value) == 64 for value in entry.sha256.values())
        assert entry.sha256.keys() <= set(entry.files)


def test_the_list_needs_no_torch():
    program = "import sys, models.importing.published; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
