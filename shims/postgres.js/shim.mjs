// postgres.js (npm `postgres`) over the shim contract.

import { readFileSync } from 'node:fs'
import postgres from 'postgres'
import { serve, Unsupported } from './contract.mjs'

const { version } = JSON.parse(readFileSync(new URL('node_modules/postgres/package.json', import.meta.url)))
// Options are worked out when the pool is made, which connects only at its first query.
const { options } = postgres({ sslnegotiation: 'postgres' })

await serve({
  name: 'postgres.js',
  version,
  supports: {
    sslmode: ['disable', 'allow', 'prefer', 'require', 'verify-ca', 'verify-full'],
    sslnegotiation: options.sslnegotiation ? ['postgres', 'direct'] : ['postgres'],
    // Node brings its own list of authorities: without a file it is not the system's.
    sslrootcert: ['file'],
    channel_binding: ['prefer'],
    hostaddr: true,
    sslcert: true,
    sslcrl: false,
    cancel: true,
  },
}, async (request, notices) => {
  const settings = {
    host: request.host,
    port: request.port,
    user: request.user,
    password: request.password,
    database: request.dbname,
    connect_timeout: request.timeout_ms / 1000,
    onnotice: notice => notices.push(notice.message),
  }
  const ssl = sslOption(request)
  if (ssl !== undefined) settings.ssl = ssl
  if (request.sslnegotiation) settings.sslnegotiation = request.sslnegotiation
  const sql = postgres(settings)
  try {
    // What a template literal of the same words is.
    if (request.fetch) return { tls: null, rows: await sql.unsafe(request.query, [], { prepare: true, simple: false }).values() }
    const query = sql.unsafe(request.query)
    if (request.then !== 'cancel') return { tls: null, rows: (await query).map(Object.values) }
    // A query can be cancelled only while it is at work, which is when its rows come in.
    const rows = []
    await query.forEach(row => {
      rows.push(Object.values(row))
      query.cancel()
    })
    return { tls: null, rows }
  } finally {
    sql.end({ timeout: 0 }).catch(error => notices.push(error.message))
  }
})

// Which value of `ssl` stands for which mode of libpq; undefined leaves the driver's default (plaintext).
// The words carry no file, and an object (options of tls.connect) never falls back to plaintext.
function sslOption({ sslmode, sslrootcert, sslcert, sslkey }) {
  const client = sslcert ? { cert: readFileSync(sslcert), key: readFileSync(sslkey) } : undefined
  const ca = sslrootcert ? { ca: readFileSync(sslrootcert) } : undefined
  switch (sslmode) {
    case undefined:
      if (ca || client) throw new Unsupported('no root file or client certificate without an sslmode')
      return undefined
    case 'disable':
      return false
    case 'allow':
    case 'prefer':
      if (ca || client) throw new Unsupported(`ssl='${sslmode}' takes no root file and no client certificate`)
      return sslmode
    case 'require':
      if (ca) throw new Unsupported("ssl='require' takes no root file")
      return client ? { rejectUnauthorized: false, ...client } : 'require'
    case 'verify-ca':
      return { ...ca, ...client, checkServerIdentity: () => undefined }
    case 'verify-full':
      return ca || client ? { ...ca, ...client } : 'verify-full'
  }
}
