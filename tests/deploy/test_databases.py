"""The script that a new PostgreSQL runs makes two databases that know nothing of each other."""

import os
import shutil
import subprocess
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.deploy.checking import DEPLOY

SCRIPT = DEPLOY / "postgresql" / "databases.sh"


@pytest.mark.skipif(shutil.which("psql") is None, reason="psql is not installed")
def test_both_databases_are_made_for_their_own_user(postgresql):
    psycopg = pytest.importorskip("psycopg")
    (socket,) = parse_qs(urlsplit(postgresql).query)["host"]
    strange = 'it\'s "odd" $(id)'
    given = {"PGHOST": socket, "POSTGRES_USER": "postgres", "PATH": os.environ["PATH"]}
    given |= {"CATALOGUE_PASSWORD": strange, "PREFECT_PASSWORD": "other"}
    subprocess.run([SCRIPT], env=given, check=True)
    for own, other in (("heritage", "prefect"), ("prefect", "heritage")):
        with psycopg.connect(host=socket, user=own, dbname=own) as connection:
            connection.execute("CREATE TABLE it_may (number int)")
            connection.execute("CREATE EXTENSION IF NOT EXISTS pg_trgm")
        with pytest.raises(psycopg.OperationalError, match="permission denied"):
            psycopg.connect(host=socket, user=own, dbname=other)
    with psycopg.connect(host=socket, user="postgres", dbname="postgres") as connection:
        (verifier,) = connection.execute(
            "SELECT rolpassword FROM pg_authid WHERE rolname = 'heritage'"
        ).fetchone()
        assert verifier.startswith("SCRAM-SHA-256")
        connection.execute("SELECT 1")
    again = subprocess.run([SCRIPT], env=given, capture_output=True, text=True)
    assert again.returncode != 0  # what is there is never overwritten
    assert "already exists" in again.stderr
