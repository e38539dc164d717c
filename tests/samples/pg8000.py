"""https://github.com/tlocke/pg8000#native-api-interactive-examples"""

import os
import sys
from urllib.parse import urlsplit

sys.path.pop(0)
import pg8000.native

# pg8000 takes no URL.
url = urlsplit(os.environ["DATABASE_URL"])

# Connect to the database
con = pg8000.native.Connection(
    url.username, host=url.hostname, port=url.port, password=url.password, database=url.path[1:], ssl_context=True)

for row in con.run("SELECT version()"):
    print(row[0])

for row in con.run("SELECT * FROM book"):
    print(row)

con.close()
