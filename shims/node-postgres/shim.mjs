// node-postgres (npm `pg`) over the shim contract; `libpqcompat` as argument adds uselibpqcompat=true.

import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import net from 'node:net'
import pg from 'pg'
import { serve, Unsupported } from './contract.mjs'

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
    sslmode: compat ? (takesCompat ? modes : []) : takesMode ? modes : modes.filter(mode => mode !== 'prefer'),
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
  if (takesMode) {
    for (const key of ['sslmode', 'sslnegotiation', 'sslrootcert', 'sslcert', 'sslkey']) {
      if (request[key] !== undefined) url.searchParams.set(key, request[key])
    }
  }
  if (compat) url.searchParams.set('uselibpqcompat', 'true')
  const settings = { connectionString: url.href, connectionTimeoutMillis: request.timeout_ms, query_timeout: request.timeout_ms }
  if (!takesMode) Object.assign(settings, { ssl: sslOption(request), stream: freshSocket() })
  if (request.channel_binding) settings.enableChannelBinding = request.channel_binding !== 'disable'
  return settings
}

// What stands for a mode where the URL knows none: `ssl`, which goes to tls.connect.
function sslOption({ sslmode, sslrootcert, sslcert, sslkey }) {
  const files = { ca: sslrootcert, cert: sslcert, key: sslkey }
  const given = Object.fromEntries(Object.entries(files).filter(([, path]) => path).map(([key, path]) => [key, readFileSync(path, 'utf8')]))
  switch (sslmode) {
    case undefined:
      if (Object.keys(given).length) throw new Unsupported('no root file or client certificate without an sslmode')
      return undefined
    case 'disable':
      return false
    case 'require':
      if (given.ca) throw new Unsupported('a root file is verified with, which is verify-ca or verify-full')
      return { rejectUnauthorized: false, ...given }
    case 'verify-ca':
      return { checkServerIdentity: () => undefined, ...given }
    case 'verify-full':
      return Object.keys(given).length ? given : true
  }
}

// Up to 8.0.2 the driver connects a socket only if it says that it is closed, as new ones did up to Node 13.
function freshSocket() {
  const socket = new net.Socket()
  const connect = socket.connect
  Object.defineProperty(socket, 'readyState', { value: 'closed', configurable: true })
  socket.connect = (...to) => {
    delete socket.readyState
    return connect.apply(socket, to)
  }
  return socket
}

// The driver cancels while the query is at work, from another client of the same settings.
function cancel(client, query, settings) {
  const canceller = new pg.Client(takesMode ? settings : { ...settings, stream: freshSocket() })
  canceller.connection.on('error', error => console.error('cancel:', error.message))
  canceller.cancel(client, query)
}
