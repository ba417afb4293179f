import threading, time
import sqlalchemy
from sqlalchemy import inspect, text
from say import say, statements as S

engine = sqlalchemy.create_engine("postgresql+psycopg2://")
with engine.connect() as db:
    def rows(sql, **args):
        return [tuple(row) for row in db.execute(text(sql), args)]
    say("one", rows(S["one"]))
    say("map", rows(S["map"]))
    say("run", rows(S["run"])[0][0])
    say("means", rows(S["means"]))
    say("parameter", rows("SELECT name FROM products WHERE id = :id AND name <> :name", id=3, name="it's"))
    try:
        rows(S["error"])
    except sqlalchemy.exc.ProgrammingError as error:
        say("error", error.orig.pgcode)
with engine.connect() as db:
    threading.Timer(0.5, db.connection.dbapi_connection.cancel).start()
    began = time.monotonic()
    try:
        rows(S["slow"])
    except sqlalchemy.exc.OperationalError as error:
        say("cancel", [error.orig.pgcode, time.monotonic() - began < 2])
look = inspect(engine)
schema = look.default_schema_name
say("tables", [[name] for name in sorted(look.get_table_names())])
say("columns", [[column["name"], str(column["type"]), column["nullable"]] for column in look.get_columns("products")])
say("primary key", look.get_pk_constraint("products")["constrained_columns"])
say("foreign keys", look.get_foreign_keys("products"))
say("indexes", look.get_indexes("products"))
say("views", look.get_view_names())
metadata = sqlalchemy.MetaData()
metadata.reflect(engine)
say("reflected", sorted(metadata.tables))
with engine.begin() as db:
    products = metadata.tables["products"]
    say("core", [tuple(row) for row in db.execute(sqlalchemy.select(products.c.name).where(products.c.id == 3))])
