import os, threading, time
import pyodbc
from say import say, statements as S

env = os.environ
db = pyodbc.connect(f"Driver=PostgreSQL Unicode;Server={env['PGHOST']};Port={env['PGPORT']};Database={env['PGDATABASE']};Uid={env['PGUSER']};Pwd=;", autocommit=True)
cur = db.cursor()

def rows(sql, *args):
    return [tuple(row) for row in cur.execute(sql, *args).fetchall()]

say("one", rows(S["one"]))
say("map", rows(S["map"]))
say("run", rows(S["run"])[0][0])
say("means", rows(S["means"]))
say("parameter", rows("SELECT name FROM products WHERE id = ? AND name <> ?", 3, "it's"))
say("map parameter", rows("RVBBIT MAP 'band.yaml' AS band USING (SELECT id, price FROM products WHERE id = ?)", 4))
try:
    rows(S["error"])
except pyodbc.Error as error:
    say("error", error.args[0])
say("after", rows(S["one"]))
threading.Timer(0.5, cur.cancel).start()
began = time.monotonic()
try:
    rows(S["slow"])
except pyodbc.Error as error:
    say("cancel", [error.args[0], time.monotonic() - began < 2])
say("after cancel", rows(S["one"]))
say("tables", [[row.table_name] for row in cur.tables(tableType="TABLE")])
say("primary key", [row.column_name for row in cur.primaryKeys("products")])
