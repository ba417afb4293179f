import threading, time
import psycopg2
from say import say, said, statements as S

db = psycopg2.connect("")
cur = db.cursor()

def rows(sql, args=None):
    cur.execute(sql, args)
    return cur.fetchall()

say("one", rows(S["one"]))
say("map", rows(S["map"]))
say("run", rows(S["run"])[0][0])
say("batch", rows("SELECT count(*) FROM batch"))
say("means", rows(S["means"]))
say("parameter", rows("SELECT name FROM products WHERE id = %s AND name <> %s", (3, "it's")))
say("map parameter", rows("RVBBIT MAP 'band.yaml' AS band USING (SELECT id, price FROM products WHERE id = %s)", (4,)))
db.commit()
try:
    rows(S["error"])
except psycopg2.Error as error:
    say("error", error.pgcode)
db.rollback()
say("after", rows(S["one"]))
db.commit()
timer = threading.Timer(0.5, db.cancel)
timer.start()
began = time.monotonic()
try:
    rows(S["slow"])
except psycopg2.Error as error:
    say("cancel", [error.pgcode, time.monotonic() - began < 2])
db.rollback()
row = rows(S["kinds"])[0]
say("kinds", said(row))
say("tables", rows("SELECT table_name FROM information_schema.tables WHERE table_schema NOT IN ('pg_catalog', 'information_schema') ORDER BY 1"))
named = db.cursor("portal")
named.itersize = 2
named.execute("SELECT id FROM products ORDER BY id")
say("cursor", [id for (id,) in named])
named.close()
import io
out = io.StringIO()
cur.copy_expert("COPY (SELECT id, name FROM products ORDER BY id LIMIT 2) TO STDOUT WITH (FORMAT csv)", out)
say("copy out", out.getvalue())
cur.execute("CREATE TEMP TABLE copied (a INTEGER, b VARCHAR)")
cur.copy_expert("COPY copied FROM STDIN WITH (FORMAT csv)", io.StringIO("1,one\n2,\"t,wo\"\n"))
say("copy in", rows("SELECT * FROM copied ORDER BY a"))
