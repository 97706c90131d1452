import { randomUUID } from 'node:crypto';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import type { Client } from './client.ts';
import type { Output } from './output.ts';

/** Bytes of one part: half of what the gateway takes, so that a slow line loses little. */
const partSize = 524_288;

/** Sends a value as gzipped JSON in parts, and gives the id that other requests name it by. */
export async function uploadJson(client: Client, output: Output, title: string, value: unknown): Promise<string> {
  const bytes = await promisify(gzip)(JSON.stringify(value), { level: 6 });
  const id = randomUUID();
  const parts = Math.ceil(bytes.length / partSize);
  await output.progress(`${title} (${(bytes.length / 1_000_000).toFixed(1)} MB)`, parts, async (advance) => {
    for (let part = 0; part < parts; part++) {
      await client.put(`/backend/upload/${id}/${part}`, bytes.subarray(part * partSize, (part + 1) * partSize));
      advance(1);
    }
  });
  return id;
}
