// The shim contract, version 1, for a driver that runs on Node: reading, refusing, answering.
//
// A shim calls `serve(about, connect)`. `about` is its hello (name, version, supports);
// `connect(request, notices)` drives the driver once and gives {tls, rows}, or throws what
// the driver threw. Texts the driver hands to the application besides errors go into `notices`.

import dns from 'node:dns'
import net from 'node:net'
import readline from 'node:readline'
import { setTimeout } from 'node:timers/promises'

// Sockets get this long to close by themselves once the driver has been told to end.
const CLOSING_MS = 500

// Thrown by a shim, before it connects, for what its driver does not offer.
export class Unsupported extends Error {}

export async function serve(about, connect) {
  // Standard output carries the contract and nothing else; drivers log to the console.
  globalThis.console = new console.Console(process.stderr, process.stderr)
  const sockets = watchSockets()
  const hello = { type: 'hello', contract: 1, ...about, tls: `OpenSSL ${process.versions.openssl} (Node ${process.versions.node})` }
  for await (const line of readline.createInterface({ input: process.stdin })) {
    const request = JSON.parse(line)
    const answer = request.type === 'hello' ? hello : await result(request)
    process.stdout.write(JSON.stringify(answer) + '\n')
  }
  process.exit(0)

  async function result(request) {
    const base = { type: 'result', id: request.id }
    const reason = refusal(about.supports, request)
    if (reason) return { ...base, outcome: 'unsupported', reason }
    const notices = []
    names.clear()
    if (request.hostaddr) names.set(request.host, request.hostaddr)
    try {
      const { tls, rows } = await connect(request, notices)
      return { ...base, outcome: 'connected', tls, rows: rows.map(row => row.map(String)) }
    } catch (error) {
      if (error instanceof Unsupported) return { ...base, outcome: 'unsupported', reason: error.message }
      const message = [...texts(error), ...notices].join('\n')
      return { ...base, outcome: 'failed', error: { class: String(error?.code ?? error?.name ?? typeof error), message } }
    } finally {
      await sockets.closed()
    }
  }
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

// `hostaddr`: what /etc/hosts would say of the host of the request at hand.
const names = new Map()
const { lookup } = dns
dns.lookup = (host, options, callback = options) => {
  const address = names.get(host)
  if (address === undefined) return lookup(host, options, callback)
  const family = net.isIP(address)
  process.nextTick(() => options?.all ? callback(null, [{ address, family }]) : callback(null, address, family))
}

// Knows every client socket of this process, so that none outlives its answer.
function watchSockets() {
  const open = new Set()
  const connect = net.Socket.prototype.connect
  net.Socket.prototype.connect = function (...args) {
    open.add(this)
    return connect.apply(this, args)
  }
  return {
    async closed() {
      // Looked at, not listened to: a driver may take every listener off its sockets.
      const deadline = Date.now() + CLOSING_MS
      const left = () => [...open].filter(socket => !socket.closed)
      while (left().length && Date.now() < deadline) await setTimeout(2)
      for (const socket of left()) socket.destroy()
      open.clear()
    },
  }
}
