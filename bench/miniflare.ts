import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { convertV4MiniflareOptions, Miniflare } from 'miniflare';
import { type BuiltWorker, projectRoot } from '../admin/host/build.ts';
import { readPlatformConfig, startHost } from '../admin/host/miniflare.ts';
import { type Bench, childrenOf } from './processes.ts';
import { type PosternOptions, serveVars } from './workerd.ts';

/** A worker in Miniflare: its process runs the emulation of D1, KV and the cache too. */
export interface Emulated {
  url: string;
  pid: number;
}

/** Postern as `npm start` serves it. */
export async function startEmulatedPostern(
  bench: Bench,
  worker: BuiltWorker,
  options: PosternOptions,
): Promise<Emulated> {
  const { result, pid } = await withPid(() => startHost({ worker, secretKey: options.secretKey, vars: serveVars }));
  bench.onStop(() => result.stop());
  return { url: result.urls[0]!, pid };
}

/** The bare worker that forwards, in the same surroundings. */
export async function startEmulatedForwarder(bench: Bench, upstream: string): Promise<Emulated> {
  const { compatibility_date: compatibilityDate, compatibility_flags: compatibilityFlags } = readPlatformConfig();
  const script = readFileSync(join(projectRoot, 'bench/forward.mjs'), 'utf8');
  const { result, pid } = await withPid(async () => {
    const forwarder = new Miniflare(
      convertV4MiniflareOptions({
        host: '127.0.0.1',
        port: 0,
        cf: false,
        telemetry: { enabled: false },
        workers: [
          {
            name: 'forward',
            modules: true,
            script,
            compatibilityDate,
            compatibilityFlags,
            bindings: { UPSTREAM: upstream },
            unsafeDirectSockets: [{ host: '127.0.0.1', port: 0 }],
          },
        ],
      }),
    );
    await forwarder.ready;
    return forwarder;
  });
  bench.onStop(() => result.dispose());
  return { url: (await result.unsafeGetDirectURL('forward')).origin, pid };
}

/** Miniflare does not tell the id of its workerd: it is the child that was not there before. */
export async function withPid<T>(start: () => Promise<T>): Promise<{ result: T; pid: number }> {
  const before = new Set(childrenOf(process.pid));
  const result = await start();
  const pid = childrenOf(process.pid).find((child) => !before.has(child));
  if (pid === undefined) {
    throw new Error('Miniflare started no process');
  }
  return { result, pid };
}
