"""A Prefect server and a PostgreSQL server, as other tests start them."""

from tests.db.conftest import postgresql
from tests.flows.conftest import prefect_server

__all__ = ["postgresql", "prefect_server"]
