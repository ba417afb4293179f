import asyncio, time
import asyncpg
from say import say, said, statements as S

async def main():
    db = await asyncpg.connect()
    async def rows(sql, *args):
        return [tuple(row) for row in await db.fetch(sql, *args)]
    say("one", await rows(S["one"]))
    say("map", await rows(S["map"]))
    say("run", (await rows(S["run"]))[0][0])
    say("means", await rows(S["means"]))
    say("parameter", await rows("SELECT name FROM products WHERE id = $1 AND name <> $2", 3, "it's"))
    say("untyped", [await rows("SELECT 'x' || $1", "y"), await rows("SELECT $1 * 2.5", 4), await rows("SELECT * FROM range($1::BIGINT)", 2)])
    say("map parameter", await rows("RVBBIT MAP 'band.yaml' AS band USING (SELECT id, price FROM products WHERE id = $1::INTEGER)", 4))
    try:
        await rows(S["error"])
    except asyncpg.PostgresError as error:
        say("error", error.sqlstate)
    say("after", await rows(S["one"]))
    began = time.monotonic()
    try:
        await asyncio.wait_for(db.fetch(S["slow"]), 0.5)
    except asyncio.TimeoutError:
        say("cancel", ["57014", time.monotonic() - began < 2])
    say("after cancel", await rows(S["one"]))
    say("kinds", said((await rows(S["kinds"]))[0]))
    async with db.transaction():
        cursor = await db.cursor("SELECT id FROM products ORDER BY id")
        say("cursor", [[tuple(row) for row in await cursor.fetch(2)], [tuple(row) for row in await cursor.fetch(9)]])
    say("tables", await rows("SELECT tablename FROM pg_tables WHERE schemaname NOT IN ('pg_catalog', 'information_schema') ORDER BY 1"))
    await db.close()

asyncio.run(main())
