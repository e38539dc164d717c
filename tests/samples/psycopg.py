"""https://www.psycopg.org/psycopg3/docs/basic/usage.html"""

import os
import sys

# This file has the driver's name, and its folder comes first.
sys.path.pop(0)
import psycopg

# Connect to an existing database
with psycopg.connect(os.environ["DATABASE_URL"]) as conn:

    # Open a cursor to perform database operations
    with conn.cursor() as cur:

        # Query the database and obtain data as Python objects.
        cur.execute("SELECT version()")
        print(cur.fetchone()[0])

        cur.execute("SELECT * FROM test")
        for record in cur:
            print(record)

        # Make the changes to the database persistent
        conn.commit()
