import threading, time, warnings
import pandas, psycopg2
from say import say, statements as S

warnings.simplefilter("ignore")
db = psycopg2.connect("")
for act in ("one", "map", "means"):
    say(act, pandas.read_sql(S[act], db).values.tolist())
say("run", pandas.read_sql(S["run"], db).iloc[0, 0])
say("parameter", pandas.read_sql("SELECT name FROM products WHERE id = %(id)s", db, params={"id": 3}).values.tolist())
chunks = pandas.read_sql("SELECT id FROM products ORDER BY id", db, chunksize=2)
say("chunks", [chunk.values.tolist() for chunk in chunks])
try:
    pandas.read_sql(S["error"], db)
except Exception as error:
    say("error", error.__cause__.pgcode)
threading.Timer(0.5, db.cancel).start()
began = time.monotonic()
try:
    pandas.read_sql(S["slow"], db)
except Exception as error:
    say("cancel", [error.__cause__.pgcode, time.monotonic() - began < 2])
say("tables", pandas.read_sql("SELECT table_name FROM information_schema.tables WHERE table_schema NOT IN %(not)s ORDER BY 1", db, params={"not": ("pg_catalog", "information_schema")}).values.tolist())
