"""Prints, a line each, the relations that Python's tools find: tool, what was done, names."""
import io
import os
import re

import alembic.autogenerate
import alembic.migration
import django
import django.conf
import django.core.management
import sqlalchemy
from sqlalchemy.dialects.postgresql.base import ischema_names
from sqlalchemy.types import UserDefinedType

HOST, PORT, USER, DATABASE = (os.environ[name] for name in ("PGHOST", "PGPORT", "PGUSER", "PGDATABASE"))


class Vector(UserDefinedType):
    cache_ok = True

    def __init__(self, dimensions=None):
        self.dimensions = dimensions

    def get_col_spec(self, **_):
        return f"vector({self.dimensions})"


def show(tool, names):
    print(f"{tool}:", *sorted(names) or ["none"])


ischema_names["vector"] = Vector
engine = sqlalchemy.create_engine(sqlalchemy.URL.create(
    "postgresql+psycopg", username=USER, host=HOST, port=int(PORT), database=DATABASE))
metadata = sqlalchemy.MetaData()
sqlalchemy.Table("items", metadata, sqlalchemy.Column("id", sqlalchemy.BigInteger, primary_key=True, autoincrement=False),
                 sqlalchemy.Column("embedding", Vector(3)))
with engine.connect() as connection:
    context = alembic.migration.MigrationContext.configure(connection, opts={"compare_type": True})
    show("Alembic's differences", map(str, alembic.autogenerate.compare_metadata(context, metadata)))
    found = sqlalchemy.MetaData()
    found.reflect(connection, views=True)
    show("SQLAlchemy's tables", found.tables)

django.conf.settings.configure(DATABASES={"default": {
    "ENGINE": "django.db.backends.postgresql", "HOST": HOST, "PORT": PORT, "USER": USER, "NAME": DATABASE}})
django.setup()
models = io.StringIO()
django.core.management.call_command("inspectdb", include_views=True, include_partitions=True, stdout=models)
show("Django's tables", re.findall(r"db_table = '(\w+)'", models.getvalue()))
