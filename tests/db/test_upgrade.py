import subprocess
import sys
import time

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import inspect, text

from db import CatalogueTooNew, Database, migrate
from db import upgrade as upgrading
from db.tables import metadata
from db.upgrade import MIGRATIONS, VERSION_TABLE, head, revision_of, revisions


@pytest.fixture
def empty(empty_url):
    opened = Database(empty_url)
    yield opened
    opened.close()


def checks(connection):
    tables = inspect(connection).get_table_names()
    return {
        (table, check["name"], " ".join(check["sqltext"].split()))
        for table in tables
        for check in inspect(connection).get_check_constraints(table)
    }


def test_models_and_migrations_agree(database, tmp_path):
    with database.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"version_table": VERSION_TABLE})
        assert compare_metadata(context, metadata) == []


def test_models_and_migrations_set_the_same_conditions(database, url, request):
    # compare_metadata does not look at CHECK constraints
    from db.testing import new_database

    on_postgresql = url.startswith("postgresql")
    other = new_database(request.getfixturevalue("postgresql")) if on_postgresql else f"{url}-2"
    by_models = Database(other)
    with by_models.engine.begin() as connection:
        metadata.create_all(connection)
        expected = checks(connection)
    by_models.close()
    with database.engine.connect() as connection:
        assert checks(connection) == expected
    assert len(expected) > 50


def test_the_names_of_the_files_are_the_revisions_alembic_sees():
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    scripts = ScriptDirectory.from_config(config)
    assert scripts.get_heads() == [head()]
    assert [script.revision for script in scripts.walk_revisions()][::-1] == list(revisions())


def test_an_empty_database_becomes_a_catalogue_and_back(empty):
    migrate(empty)
    with empty.engine.connect() as connection:
        assert revision_of(connection) == head()
        assert "event" in inspect(connection).get_table_names()
    migrate(empty, "base")
    with empty.engine.connect() as connection:
        assert inspect(connection).get_table_names() == [VERSION_TABLE]
    migrate(empty)
    with empty.engine.connect() as connection:
        assert revision_of(connection) == head()


def test_every_single_step_can_be_made_and_undone(empty):
    for revision in revisions():
        migrate(empty, revision)
        with empty.engine.connect() as connection:
            assert revision_of(connection) == revision
    for revision in reversed(revisions()[:-1]):
        migrate(empty, revision)
        with empty.engine.connect() as connection:
            assert revision_of(connection) == revision


def test_a_catalogue_newer_than_the_program_is_refused_and_left_alone(database):
    with database.engine.begin() as connection:
        connection.execute(text(f"UPDATE {VERSION_TABLE} SET version_num = '9999'"))
    with pytest.raises(CatalogueTooNew, match=r"newer version .* 9999"):
        migrate(database)
    with database.engine.connect() as connection:
        assert revision_of(connection) == "9999"


def test_a_migration_that_fails_halfway_leaves_nothing_behind(empty, monkeypatch):
    run = upgrading._run_alembic

    def fail_at_the_end(connection, goal):
        run(connection, goal)
        raise RuntimeError("power cut")

    monkeypatch.setattr(upgrading, "_run_alembic", fail_at_the_end)
    with pytest.raises(RuntimeError, match="power cut"):
        migrate(empty)
    with empty.engine.connect() as connection:
        assert inspect(connection).get_table_names() == []


def test_opening_an_up_to_date_catalogue_takes_no_time(database, url):
    best = 1.0
    for _ in range(5):
        begun = time.process_time()  # the machine may be busy with other things
        again = Database(url)
        migrate(again)
        best = min(best, time.process_time() - begun)
        again.close()
    assert best < 0.05


def test_alembic_is_not_imported_when_there_is_nothing_to_do(database, url):
    program = (
        "import sys\nfrom db import Database, migrate\n"
        f"opened = Database({url!r})\nmigrate(opened)\nopened.close()\n"
        "sys.exit('alembic' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


def test_several_processes_may_open_a_new_catalogue_at_once(empty_url):
    program = (
        "import sys\nfrom db import Database, migrate\nsys.stdin.readline()\n"
        f"opened = Database({empty_url!r})\nmigrate(opened)\nopened.close()"
    )
    processes = [
        subprocess.Popen(
            [sys.executable, "-W", "error", "-c", program],
            stdin=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        for _ in range(3)
    ]
    for process in processes:
        process.stdin.write(b"\n")
        process.stdin.flush()
    faults = [process.communicate(timeout=120)[1].decode() for process in processes]
    assert faults == [""] * len(processes)
