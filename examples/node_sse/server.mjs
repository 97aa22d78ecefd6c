// A small service: GET / is a page, GET /scan scans a host and streams each result as it is settled.
//
//   npm install && npm start                                                scans this machine
//   KENSA_HOST=web-1 KENSA_USER=audit KENSA_KEY=~/.ssh/audit npm start      scans web-1, as root by sudo

// @ts-check
import { once } from 'node:events'
import { createReadStream } from 'node:fs'
import { pathToFileURL } from 'node:url'
import Fastify from 'fastify'
import { KensaError, Session } from 'kensa'

/** @returns {Promise<Session>} */
function connect(/** @type {AbortSignal} */ signal) {
  const { KENSA_HOST: hostname, KENSA_USER: user, KENSA_KEY: keyPath } = process.env
  if (!hostname) return Session.local({ signal })
  return Session.connect({ hostname, ...(user && { user }), ...(keyPath && { keyPath }), sudo: true, signal })
}

export function service() {
  const app = Fastify()

  app.get('/', (_request, reply) => reply.type('text/html').send(createReadStream(new URL('page.html', import.meta.url))))

  app.get('/scan', async (request, reply) => {
    reply.hijack()
    const response = reply.raw
    response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' })
    // The page was closed: stop the scan, on the host as well.
    const gone = new AbortController()
    response.on('close', () => gone.abort())

    /** Sends one event, and waits while the page is slower than the scan. */
    const send = async (/** @type {string} */ event, /** @type {unknown} */ data) => {
      if (!response.write(`event: ${event}\ndata: ${JSON.stringify(data)}\n\n`)) {
        await once(response, 'drain', { signal: gone.signal })
      }
    }

    const { category } = /** @type {{ category?: string }} */ (request.query)
    /** @type {Session | undefined} */
    let session
    try {
      session = await connect(gone.signal)
      const scan = session.scan({ ...(category && { category }), signal: gone.signal })
      for await (const { ruleId, title, severity, status, detail } of scan) {
        await send('result', { ruleId, title, severity, status, detail })
      }
      const { host, summary } = await scan.report()
      await send('done', { host, summary })
    } catch (error) {
      if (gone.signal.aborted) return
      const { code, message } = error instanceof KensaError ? error : { code: 'internal', message: 'the scan failed' }
      await send('failed', { code, message })
    } finally {
      await session?.close()
      response.end()
    }
  })

  return app
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const address = await service().listen({ port: Number(process.env.PORT ?? 8080) })
  console.log(`open ${address}`)
}
