import { request } from 'node:http';
import type { Administrator, Gateway } from './gateway.ts';

/** A gateway as it is reached by a host name: `fetch` sends the name, which its own client does not. */
export function atHost(gateway: Gateway, host: string, administrator: Administrator): Pick<Gateway, 'fetch' | 'setup'> {
  return {
    setup: async () => administrator,
    fetch: (path, { isolate = 0, method = 'GET', headers, body } = {}) =>
      new Promise((resolve, reject) => {
        const options = { method, headers: { ...Object.fromEntries(new Headers(headers)), host } };
        const sent = request(`${gateway.urls[isolate]}${path}`, options, (answer) => {
          const chunks: Buffer[] = [];
          answer.on('data', (chunk: Buffer) => chunks.push(chunk));
          answer.on('error', reject);
          answer.on('end', () => {
            const status = answer.statusCode!;
            const bodyless = status === 204 || status === 304;
            const named = Object.entries(answer.headersDistinct).flatMap(([name, values]) =>
              values!.map((value): [string, string] => [name, value]),
            );
            resolve(new Response(bodyless ? null : Buffer.concat(chunks), { status, headers: named }));
          });
        });
        sent.on('error', reject);
        sent.end(body as string | undefined);
      }),
  };
}
