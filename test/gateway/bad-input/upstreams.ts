import { createServer } from 'node:http';
import { type AddressInfo, createServer as createTcpServer, type Server } from 'node:net';
import type { Management } from '../../helpers/management.ts';
import type { Case } from './case.ts';

/** Servers that answer late, never or not at all, and one that reads what it is sent. */
export interface Upstreams {
  /** Of each request to `/read`: whether its body came to its end; null as long as it may. */
  whole: (boolean | null)[];
  stop(): void;
}

/** Starts them, with an operation `POST /up/…` for each. */
export async function startUpstreams(admin: Management): Promise<Upstreams> {
  const whole: (boolean | null)[] = [];
  const upstream = createServer((incoming, response) => {
    if (incoming.url === '/slow') {
      setTimeout(() => response.end('late'), 5_000).unref();
    } else if (incoming.url === '/read') {
      const at = whole.push(null) - 1;
      incoming.resume();
      incoming.on('error', () => undefined);
      incoming.once('end', () => response.end('{}'));
      incoming.once('close', () => {
        whole[at] = incoming.complete;
      });
    } else {
      response.end('{}');
    }
  });
  const dying = createTcpServer((socket) => {
    socket.once('data', () => socket.end('HTTP/1.1 2'));
  });
  const closing = createTcpServer();
  const [to, toDying, closed] = await Promise.all([upstream, dying, closing].map(listen));
  await new Promise((resolve) => closing.close(resolve));
  const proxy = async (name: string, url: string, options = {}) => {
    await admin.must('POST', '/backend/action', {
      name: `Proxy-${name}`,
      class: 'Fusio.Adapter.Http.Action.HttpProcessor',
      config: { url },
    });
    await admin.must('POST', '/backend/operation', {
      name: `up.${name}`,
      httpMethod: 'POST',
      httpPath: `/up/${name}`,
      action: `Proxy-${name}`,
      public: true,
      options,
    });
  };
  await proxy('unreachable', `${closed}/`);
  await proxy('slow', `${to}/slow`, { timeout: 300 });
  await proxy('read', `${to}/read`);
  await proxy('large', `${to}/read`, { bodyLimit: 2_000_000 });
  await proxy('dying', `${toDying}/`);
  await proxy('private', 'http://169.254.169.254/latest/meta-data/');
  await proxy('deleted', `${to}/`);
  await admin.must('DELETE', '/backend/action/~Proxy-deleted');
  return {
    whole,
    stop() {
      upstream.close();
      upstream.closeAllConnections();
      dying.close();
    },
  };
}

/** Its base URL. */
async function listen(server: Server): Promise<string> {
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** What upstreams do wrong. */
export const mistakes: Case[] = [
  {
    what: 'an unreachable upstream',
    method: 'POST',
    path: '/up/unreachable',
    body: {},
    status: 502,
    code: 'bad_gateway',
  },
  { what: 'a slow upstream', method: 'POST', path: '/up/slow', body: {}, status: 504, code: 'upstream_timeout' },
  { what: 'a dying upstream', method: 'POST', path: '/up/dying', body: {}, status: 502, code: 'bad_gateway' },
  { what: 'a private upstream', method: 'POST', path: '/up/private', body: {}, status: 502, code: 'egress_denied' },
  {
    what: 'an action that was deleted',
    method: 'POST',
    path: '/up/deleted',
    body: {},
    status: 503,
    code: 'unavailable',
    message: /Proxy-deleted/,
  },
];
