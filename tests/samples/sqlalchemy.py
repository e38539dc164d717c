"""https://docs.sqlalchemy.org/en/21/tutorial/dbapi_transactions.html"""

import asyncio
import os
import sys

sys.path.pop(0)
from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine

# The dialect's name for the mode is asyncpg's.
url = os.environ["DATABASE_URL"].replace("postgresql://", "postgresql+asyncpg://").replace("sslmode=", "ssl=")
engine = create_async_engine(url)


async def main():
    async with engine.connect() as conn:
        result = await conn.execute(text("select 'hello world'"))
        print(result.all())
    await engine.dispose()

asyncio.run(main())
