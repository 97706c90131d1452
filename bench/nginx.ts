import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { projectRoot } from '../admin/host/build.ts';
import { type Bench, freePort, isInstalled, listening } from './processes.ts';

/** An nginx of one worker process on loopback. */
export interface RunningNginx {
  url: string;
  pid: number;
}

/** A product with 10 offers: one KB of JSON, as a shop's API would answer. */
export const answer = JSON.stringify({
  id: 4711,
  name: 'Postern bench product',
  offers: Array.from({ length: 10 }, (_, at) => ({
    id: at,
    seller: `Seller ${at}`,
    price: 19.99 + at,
    currency: 'EUR',
    stock: at * 7,
  })),
  description: 'x'.repeat(170),
});

/** Whether nginx is the server behind the gateways, and the floor; without it there is no floor. */
export const hasNginx = isInstalled('nginx', '-v');

/** The server behind every gateway: the same 1 KB of JSON whatever is asked, bodies read and dropped. */
export async function startUpstream(bench: Bench): Promise<RunningNginx> {
  if (!hasNginx) {
    const port = await freePort();
    const child = bench.start(process.execPath, [join(projectRoot, 'bench/upstream.mjs'), String(port), answer]);
    await listening(port);
    return { url: `http://127.0.0.1:${port}`, pid: child.pid! };
  }
  return startNginx(bench, `location / { default_type application/json; return 200 '${answer}'; }`);
}

/** The floor of all proxies: nginx in front of the same server, connections kept, one location an operation. */
export function startProxy(bench: Bench, upstream: string, paths: string[]): Promise<RunningNginx> {
  const locations = paths.map((path) => `location ${path} { proxy_pass http://upstream; }`);
  const shared = `proxy_http_version 1.1; proxy_set_header Connection "";`;
  const servers = `upstream upstream { server ${new URL(upstream).host}; keepalive 64; keepalive_requests 1000000; }`;
  return startNginx(bench, `${shared}\n${locations.join('\n')}`, servers);
}

async function startNginx(bench: Bench, server: string, more = ''): Promise<RunningNginx> {
  const port = await freePort();
  const file = join(bench.folder, `nginx-${port}.conf`);
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
    (kind) => `${kind}_temp_path ${bench.folder}/${port}-${kind};`,
  );
  writeFileSync(
    file,
    `daemon off; worker_processes 1; pid ${bench.folder}/nginx-${port}.pid; error_log stderr crit;
events { worker_connections 1024; }
http {
  access_log off; keepalive_requests 1000000; ${temporary.join(' ')}
  ${more}
  server { listen 127.0.0.1:${port}; ${server} }
}
`,
  );
  const child = bench.start('nginx', ['-e', 'stderr', '-c', file]);
  await listening(port);
  return { url: `http://127.0.0.1:${port}`, pid: child.pid! };
}
