import threading, time
import psycopg
from say import say, said, statements as S

for binary in (False, True):
    how = "binary " if binary else ""
    db = psycopg.connect("", autocommit=True)

    def rows(sql, args=None):
        return db.cursor(binary=binary).execute(sql, args).fetchall()

    say(how + "one", rows(S["one"]))
    say(how + "map", rows(S["map"]))
    say(how + "run", rows(S["run"])[0][0])
    say(how + "means", rows(S["means"]))
    for _ in range(7):
        answer = rows("SELECT name FROM products WHERE id = %s AND name <> %s", (3, "it's"))
    say(how + "parameter", answer)
    say(how + "untyped", [rows("SELECT 'x' || %s", ("y",)), rows("SELECT %s * 2.5", (4,)), rows("SELECT * FROM range(%s::BIGINT)", (2,))])
    say(how + "map parameter", rows("RVBBIT MAP 'band.yaml' AS band USING (SELECT id, price FROM products WHERE id = %s)", (4,)))
    try:
        rows(S["error"])
    except psycopg.Error as error:
        say(how + "error", error.sqlstate)
    say(how + "after", rows(S["one"]))
    timer = threading.Timer(0.5, db.cancel)
    timer.start()
    began = time.monotonic()
    try:
        rows(S["slow"])
    except psycopg.Error as error:
        say(how + "cancel", [error.sqlstate, time.monotonic() - began < 2])
    say(how + "kinds", said(rows(S["kinds"])[0]))
    say(how + "tables", rows("SELECT table_name FROM information_schema.tables WHERE table_schema <> ALL (%s) ORDER BY 1", (["pg_catalog", "information_schema"],)))
    with db.transaction():
        named = db.cursor("portal")
        named.execute("SELECT id FROM products ORDER BY id")
        say(how + "cursor", [named.fetchmany(2), named.fetchall()])
        named.close()
    with db.cursor().copy("COPY (SELECT id, name FROM products ORDER BY id LIMIT 2) TO STDOUT") as copy:
        say(how + "copy out", "".join(bytes(block).decode() for block in copy))
    db.execute("CREATE TEMP TABLE copied (a INTEGER, b VARCHAR)")
    with db.cursor().copy("COPY copied FROM STDIN") as copy:
        copy.write_row((1, "one"))
        copy.write_row((2, "t\two"))
    say(how + "copy in", rows("SELECT * FROM copied ORDER BY a"))
    with db.pipeline():
        several = [db.execute("SELECT %s::int", (n,)) for n in range(5)]
        say(how + "pipeline", [each.fetchone()[0] for each in several])
    db.close()
