"""A PostgreSQL server in a folder, and what is in it."""

from __future__ import annotations

from tests.support.expected_scheduling import Record

CREDENTIALS = "DESTINATION__POSTGRES__CREDENTIALS"


def address(folder: str, user: str = "postgres", **more: str) -> str:
    options = "".join(f"&{name}={value}" for name, value in more.items())
    return f"postgresql://{user}:not-to-be-shown@localhost:5432/postgres?host={folder}{options}"


def in_postgres(folder: str, dataset: str) -> dict[str, list[Record]]:
    """All data tables' rows by table."""
    import psycopg2
    from psycopg2.extras import RealDictCursor

    connection = psycopg2.connect(host=folder, user="postgres", dbname="postgres")
    try:
        with connection.cursor(cursor_factory=RealDictCursor) as cursor:
            cursor.execute(
                "select table_name from information_schema.tables where table_schema = %s",
                [dataset],
            )
            names = [row["table_name"] for row in cursor.fetchall()]
            found = {}
            for name in names:
                if not name.startswith(("_dlt", "_framework")):
                    cursor.execute(f'select * from "{dataset}"."{name}"')
                    found[name] = [dict(row) for row in cursor.fetchall()]
            return found
    finally:
        connection.close()


def execute(folder: str, *statements: str) -> None:
    """Run statements in one transaction, as the server's owner."""
    import psycopg2

    connection = psycopg2.connect(host=folder, user="postgres", dbname="postgres")
    try:
        with connection, connection.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)
    finally:
        connection.close()


def without_connections(folder: str) -> None:
    """Everybody else's connections are ended by the server."""
    import psycopg2

    connection = psycopg2.connect(host=folder, user="postgres", dbname="postgres")
    try:
        with connection.cursor() as cursor:
            cursor.execute(
                "select pg_terminate_backend(pid) from pg_stat_activity "
                "where pid <> pg_backend_pid() and backend_type = 'client backend'"
            )
    finally:
        connection.close()
