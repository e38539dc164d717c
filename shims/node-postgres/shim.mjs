// node-postgres (npm `pg`) over the shim contract; `libpqcompat` as argument adds uselibpqcompat=true.

import { createRequire } from 'node:module'
import pg from 'pg'
import { serve } from './contract.mjs'

const require = createRequire(import.meta.url)
const { parse } = require('pg-connection-string')
const compat = process.argv[2] === 'libpqcompat'

// What this version takes is asked of the driver itself, without connecting. `allow` is no
// value of either parser, which take any text they do not know for verified TLS.
const probe = new pg.Client({ sslnegotiation: 'postgres' })
const binding = 'enableChannelBinding' in probe
const takesMode = Boolean(parse('postgres://h/d?sslmode=verify-full').ssl)
const takesCompat = parse('postgres://h/d?uselibpqcompat=true&sslmode=require').ssl?.rejectUnauthorized === false
const modes = ['disable', 'prefer', 'require', 'verify-ca', 'verify-full']

await serve({
  name: compat ? 'node-postgres/libpqcompat' : 'node-postgres',
  version: require('pg/package.json').version,
  supports: {
    sslmode: (compat ? takesCompat : takesMode) ? modes : [],
    sslnegotiation: probe.connectionParameters.sslnegotiation ? ['postgres', 'direct'] : ['postgres'],
    // Node brings its own list of authorities: without a file it is not the system's.
    sslrootcert: ['file'],
    // Off by default; on, it is used where offered. There is no way to insist on it.
    channel_binding: binding ? ['prefer', 'disable'] : ['prefer'],
    hostaddr: true,
    sslcert: true,
    sslcrl: false,
    cancel: true,
  },
}, async (request, notices) => {
  const settings = config(request)
  const client = new pg.Client(settings)
  client.on('error', error => notices.push(error.message))
  client.on('notice', notice => notices.push(notice.message))
  try {
    await client.connect()
    const tls = Boolean(client.connection.stream.encrypted)
    const rows = await new Promise((resolve, reject) => {
      const settle = (error, result) => error ? reject(error) : resolve(result.rows)
      const query = new pg.Query({ text: request.query, rowMode: 'array' }, settle)
      if (request.then === 'cancel') query.once('row', () => cancel(client, query, settings))
      client.query(query)
    })
    return { tls, rows }
  } finally {
    // A server that will not close must not hold the answer back: the contract's side closes the socket.
    client.end().catch(error => notices.push(error.message))
  }
})

function config(request) {
  const url = new URL('postgres://h')
  url.hostname = request.host
  url.port = request.port
  url.username = request.user
  url.password = request.password ?? ''
  url.pathname = request.dbname
  for (const key of ['sslmode', 'sslnegotiation', 'sslrootcert', 'sslcert', 'sslkey']) {
    if (request[key] !== undefined) url.searchParams.set(key, request[key])
  }
  if (compat) url.searchParams.set('uselibpqcompat', 'true')
  const settings = { connectionString: url.href, connectionTimeoutMillis: request.timeout_ms, query_timeout: request.timeout_ms }
  if (request.channel_binding) settings.enableChannelBinding = request.channel_binding !== 'disable'
  return settings
}

// The driver cancels while the query is at work, from another client of the same settings.
function cancel(client, query, settings) {
  const canceller = new pg.Client(settings)
  canceller.connection.on('error', error => console.error('cancel:', error.message))
  canceller.cancel(client, query)
}
