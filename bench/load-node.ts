import { Socket } from 'node:net';
import type { Requests } from './load.ts';

/** What a run of the generator found. */
export interface Load {
  requests: number;
  /** Answers that were not 2xx, and connections that broke. */
  bad: number;
  /** Seconds. */
  duration: number;
  /** Milliseconds. */
  p50: number;
  p90: number;
}

/**
 * A load generator for machines without wrk: kept connections, one request at a time on each. It takes far more CPU than wrk
 * does, so requests per second are lower with it; the CPU per request of what is measured is not touched by that.
 */
export async function loadFromNode(
  url: string,
  requests: Requests,
  connections: number,
  seconds: number,
): Promise<Load> {
  const { hostname, port, host } = new URL(url);
  const messages = requests.paths.map((path) => message(host, path, requests));
  const started = performance.now();
  const end = started + seconds * 1000;
  const times: number[] = [];
  let bad = 0;
  let at = 0;
  const client = () =>
    new Promise<void>((done) => {
      const socket = new Socket().setNoDelay(true);
      let sent = 0;
      let received: Buffer = Buffer.alloc(0);
      const next = () => {
        sent = performance.now();
        at = (at + 1) % messages.length;
        socket.write(messages[at]!);
      };
      socket.on('data', (chunk) => {
        received = received.length === 0 ? chunk : Buffer.concat([received, chunk]);
        if (!isWhole(received)) {
          return;
        }
        times.push(performance.now() - sent);
        bad += received[9] === '2'.charCodeAt(0) ? 0 : 1;
        received = Buffer.alloc(0);
        if (performance.now() < end) {
          next();
        } else {
          socket.end();
        }
      });
      socket.on('error', () => bad++);
      socket.on('close', () => done());
      socket.connect(Number(port), hostname, next);
    });
  await Promise.all(Array.from({ length: connections }, client));
  times.sort((a, b) => a - b);
  const quantile = (share: number) => times[Math.floor((times.length - 1) * share)] ?? 0;
  const duration = (performance.now() - started) / 1000;
  return { requests: times.length, bad, duration, p50: quantile(0.5), p90: quantile(0.9) };
}

function message(host: string, path: string, { method, headers = {}, body }: Requests): Buffer {
  const fields = {
    Host: host,
    ...headers,
    ...(body === undefined ? {} : { 'Content-Length': Buffer.byteLength(body) }),
  };
  const lines = Object.entries(fields).map(([name, value]) => `${name}: ${value}\r\n`);
  return Buffer.from(`${method} ${path} HTTP/1.1\r\n${lines.join('')}\r\n${body ?? ''}`);
}

/** Whether an answer is there to its end, by its length or its last chunk (RFC 9112, section 6). */
function isWhole(received: Buffer): boolean {
  const head = received.indexOf('\r\n\r\n');
  if (head === -1) {
    return false;
  }
  const length = /\r\ncontent-length: *(\d+)/i.exec(received.toString('latin1', 0, head))?.[1];
  return length === undefined
    ? received.subarray(head).toString('latin1').endsWith('\r\n0\r\n\r\n')
    : received.length >= head + 4 + Number(length);
}
