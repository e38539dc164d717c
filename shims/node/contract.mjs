// The shim contract, version 1, for a driver that runs on Node: reading, refusing, answering.
//
// A shim calls `serve(about, connect)`. `about` is its hello (name, version, supports);
// `connect(request, notices)` drives the driver once and gives {tls, rows}, or throws what
// the driver threw; it is called for several requests at a time. Texts the driver hands to the
// application besides errors go into `notices`.

import { AsyncLocalStorage } from 'node:async_hooks'
import dns from 'node:dns'
import net from 'node:net'
import readline from 'node:readline'
import { setTimeout } from 'node:timers/promises'
import { inspect } from 'node:util'

// Sockets get this long to close by themselves once the driver has been told to end.
const CLOSING_MS = 500

// How many requests are at work at a time: most of them may wait for a silent server, and yet a
// processor has work; where the process dies, they are few enough to be asked again one by one.
const CONCURRENCY = 16

// How much text of one answer is told: a hostile server sends more than a line of the contract holds.
const LONGEST = 1 << 16

// Thrown by a shim, before it connects, for what its driver does not offer.
export class Unsupported extends Error {}

// Of the request at hand: what /etc/hosts would say of its host, and its sockets.
const asked = new AsyncLocalStorage()

export async function serve(about, connect) {
  // Standard output carries the contract and nothing else; drivers log to the console.
  globalThis.console = new console.Console(process.stderr, process.stderr)
  const answer = message => process.stdout.write(JSON.stringify(message) + '\n')
  const hello = {
    type: 'hello',
    contract: 1,
    tls: `OpenSSL ${process.versions.openssl} (Node ${process.versions.node})`,
    ...about,
    supports: { ...about.supports, concurrency: CONCURRENCY },
  }
  const working = new Set()
  const lines = readline.createInterface({ input: process.stdin })
  lines.on('line', line => {
    const request = JSON.parse(line)
    if (request.type === 'hello') return answer(hello)
    const work = asked.run(new Asked(request), () => result(request)).then(answer).finally(() => working.delete(work))
    working.add(work)
  })
  await new Promise(ended => lines.on('close', ended))
  await Promise.all(working)
  process.exit(0)

  async function result(request) {
    const base = { type: 'result', id: request.id }
    const reason = refusal(about.supports, request)
    if (reason) return { ...base, outcome: 'unsupported', reason }
    const notices = []
    try {
      const { tls, rows } = await connect(request, notices)
      return { ...base, outcome: 'connected', tls, rows: told(rows) }
    } catch (error) {
      if (error instanceof Unsupported) return { ...base, outcome: 'unsupported', reason: error.message }
      const message = cut([...texts(error), ...notices].join('\n'), LONGEST)
      return { ...base, outcome: 'failed', error: { class: String(error?.code ?? error?.name ?? typeof error), message } }
    } finally {
      await asked.getStore().closed()
    }
  }
}

// What of the rows a line of the contract takes, as text.
function told(rows) {
  let left = LONGEST
  const lines = []
  for (const row of rows) {
    const line = []
    for (const value of row) {
      const text = cut(typeof value === 'string' ? value : typeof value === 'object' ? inspect(value) : String(value), left)
      left -= text.length + 1
      line.push(text)
      if (left <= 0) break
    }
    lines.push(line)
    if (--left <= 0) break
  }
  return lines
}

// Half of a surrogate pair, which a decoder may yield, is no character.
function cut(text, length) {
  const short = text.slice(0, Math.max(length, 0))
  return short.toWellFormed?.() ?? short
}

// Why the driver cannot be asked this at all, or undefined.
function refusal(supports, { sslmode, sslnegotiation = 'postgres', sslrootcert, channel_binding = 'prefer', sslcert, sslcrl, then }) {
  if (sslmode !== undefined && !supports.sslmode.includes(sslmode)) return `no sslmode=${sslmode}`
  if (!supports.sslnegotiation.includes(sslnegotiation)) return `no sslnegotiation=${sslnegotiation}`
  if (sslrootcert === 'system' && !supports.sslrootcert.includes('system')) return 'no sslrootcert=system'
  if (!supports.channel_binding.includes(channel_binding)) return `no channel_binding=${channel_binding}`
  if (sslcert && !supports.sslcert) return 'no sslcert'
  if (sslcrl && !supports.sslcrl) return 'no sslcrl'
  if (then === 'cancel' && !supports.cancel) return 'no cancel'
}

// Every text in an error: its own, the server's fields, its parts, its causes.
function* texts(error, seen = new Set()) {
  if (error === undefined || error === null || seen.has(error)) return
  seen.add(error)
  if (typeof error !== 'object') return yield String(error)
  for (const text of [error.message, error.code, error.detail, error.hint, error.where]) if (text) yield String(text)
  for (const part of error.errors ?? []) yield* texts(part, seen)
  yield* texts(error.cause, seen)
}

const { lookup } = dns
dns.lookup = (host, options, callback = options) => {
  const address = asked.getStore()?.address(host)
  if (address === undefined) return lookup(host, options, callback)
  const family = net.isIP(address)
  process.nextTick(() => options?.all ? callback(null, [{ address, family }]) : callback(null, address, family))
}

const { connect } = net.Socket.prototype
net.Socket.prototype.connect = function (...args) {
  asked.getStore()?.sockets.add(this)
  return connect.apply(this, args)
}

class Asked {
  // Every client socket that was made for it, so that none outlives its answer.
  sockets = new Set()

  constructor({ host, hostaddr }) {
    this.host = host
    this.hostaddr = hostaddr
  }

  // `hostaddr`, as /etc/hosts would say.
  address(host) {
    return host === this.host ? this.hostaddr : undefined
  }

  async closed() {
    // Looked at, not listened to: a driver may take every listener off its sockets.
    const deadline = Date.now() + CLOSING_MS
    const left = () => [...this.sockets].filter(socket => !socket.closed)
    while (left().length && Date.now() < deadline) await setTimeout(2)
    for (const socket of left()) socket.destroy()
  }
}
