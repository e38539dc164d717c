// Bun.SQL, the client inside Bun, over the shim contract; `tls` as argument sets its `tls` option in place of the URL's sslmode.

import { serve, Unsupported } from './contract.mjs'

const byOption = process.argv[2] === 'tls'
const modes = ['disable', 'allow', 'prefer', 'require', 'verify-ca', 'verify-full']
// A release is asked what it takes; options are worked out when the pool is made, which connects only at its first query.
const { channelBinding } = new Bun.SQL('postgres://h/d?channel_binding=prefer').options

await serve({
  name: byOption ? 'bun-sql/tls' : 'bun-sql',
  version: Bun.version,
  tls: `BoringSSL ${process.versions.boringssl} (Bun ${Bun.version})`,
  supports: {
    sslmode: modes.filter(takes),
    // The URL takes the word sslnegotiation, and does nothing about it.
    sslnegotiation: ['postgres'],
    // Bun brings its own list of authorities: without a file it is not the system's.
    sslrootcert: ['file'],
    channel_binding: channelBinding === 'prefer' ? ['prefer', 'disable', 'require'] : ['prefer'],
    hostaddr: byOption,
    sslcert: true,
    sslcrl: false,
    cancel: true,
  },
}, async (request, notices) => {
  const sql = byOption ? new Bun.SQL(optionsOf(request)) : new Bun.SQL(urlOf(request), { max: 1 })
  try {
    // A query is cancelled while it is at work, which takes a connection that is there.
    const connection = request.then === 'cancel' ? await sql.reserve() : sql
    // A tagged template is how queries are written, and makes them prepared ones.
    const query = request.fetch ? connection(template(request.query)) : connection.unsafe(request.query)
    const answer = query.values().execute()
    if (request.then === 'cancel') query.cancel()
    return { tls: null, rows: await answer }
  } finally {
    // A server that will not close must not hold the answer back.
    sql.close({ timeout: 0 }).catch(error => notices.push(error.message))
  }
})

// What a tag is called with for a template of these words alone.
function template(text) {
  return Object.defineProperty([text], 'raw', { value: [text] })
}

// Whether this release knows the mode, and knows it for itself.
function takes(mode) {
  try {
    return new Bun.SQL(byOption ? { adapter: 'postgres', tls: mode } : `postgres://h/d?sslmode=${mode}`) !== undefined
  } catch {
    return false
  }
}

function urlOf(request) {
  const url = new URL('postgres://h')
  url.hostname = request.host
  url.port = request.port
  url.username = request.user
  url.password = request.password
  url.pathname = request.dbname
  url.searchParams.set('connect_timeout', request.timeout_ms / 1000)
  for (const key of ['sslmode', 'sslrootcert', 'sslcert', 'sslkey', 'channel_binding']) {
    if (request[key] !== undefined) url.searchParams.set(key, request[key])
  }
  return url
}

function optionsOf(request) {
  const options = {
    adapter: 'postgres',
    hostname: request.hostaddr ?? request.host,
    port: request.port,
    username: request.user,
    password: request.password,
    database: request.dbname,
    connectionTimeout: request.timeout_ms / 1000,
    max: 1,
  }
  const tls = tlsOption(request)
  if (tls !== undefined) options.tls = typeof tls === 'object' ? { serverName: request.host, ...tls } : tls
  if (request.channel_binding) options.channelBinding = request.channel_binding
  return options
}

// Which value of `tls` stands for which mode of libpq; undefined leaves the driver's default (plaintext).
// The words carry no file, and an object, which asks for TLS at the least, verifies wherever it has a root file.
function tlsOption({ sslmode, sslrootcert, sslcert, sslkey }) {
  const client = sslcert ? { cert: Bun.file(sslcert), key: Bun.file(sslkey) } : undefined
  const ca = sslrootcert ? { ca: Bun.file(sslrootcert) } : undefined
  switch (sslmode) {
    case undefined:
      if (ca || client) throw new Unsupported('no root file or client certificate without an sslmode')
      return undefined
    case 'disable':
      return false
    case 'allow':
    case 'prefer':
      if (ca || client) throw new Unsupported(`tls: '${sslmode}' takes no root file and no client certificate`)
      return sslmode
    case 'require':
      if (ca) throw new Unsupported('a root file is verified with, which is verify-ca or verify-full')
      return { ...client }
    case 'verify-ca':
      return { rejectUnauthorized: true, checkServerIdentity: () => undefined, ...ca, ...client }
    case 'verify-full':
      return { rejectUnauthorized: true, ...ca, ...client }
  }
}
