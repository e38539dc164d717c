"""https://pypi.org/project/asyncpg/, with the type of $1 said: a server without tables cannot know it."""

import asyncio
import os
import sys

# This file has the driver's name, and its folder comes first.
sys.path.pop(0)
import asyncpg


async def run():
    conn = await asyncpg.connect(os.environ["DATABASE_URL"])
    values = await conn.fetch(
        'SELECT * FROM mytable WHERE id = $1::int',
        10,
    )
    print(values)
    await conn.close()

asyncio.run(run())
