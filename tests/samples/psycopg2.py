"""https://www.psycopg.org/docs/usage.html"""

import os
import sys

# This file has the driver's name, and its folder comes first.
sys.path.pop(0)
import psycopg2

# Connect to an existing database
conn = psycopg2.connect(os.environ["DATABASE_URL"])

# Open a cursor to perform database operations
cur = conn.cursor()

# Query the database and obtain data as Python objects
cur.execute("SELECT version();")
print(cur.fetchone()[0])
cur.execute("SELECT * FROM test;")
print(cur.fetchone())

# Make the changes to the database persistent
conn.commit()

# Close communication with the database
cur.close()
conn.close()
