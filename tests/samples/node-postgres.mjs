// https://node-postgres.com/features/connecting#connection-uri
import pg from 'pg'
const { Pool, Client } = pg

const connectionString = process.env.DATABASE_URL

const pool = new Pool({
  connectionString,
})

await pool.query('SELECT NOW()')
await pool.end()

const client = new Client({
  connectionString,
})

await client.connect()
await client.query('SELECT NOW()')
await client.end()
console.log('done')
