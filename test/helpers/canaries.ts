import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { D1Database, KVNamespace } from '@cloudflare/workers-types';
import type { Gateway } from './gateway.ts';

/** Where a secret was seen: which one (by its name), and the place: `answer GET /x`, `DB log`, `CONTENT key`, `file state/…`. */
export interface Sighting {
  canary: string;
  place: string;
}

export interface CanaryScanner {
  /** Looks into something; gives what it saw there. */
  scan(place: string, content: string | Uint8Array): Sighting[];
  /** Reads along: from now on every answer that the gateway gives to a test is scanned, with its headers. */
  watch(gateway: Gateway): void;
  /** Scans what the gateway keeps and wrote: its databases, KV, console and, with `faults: true`, the book of outbound requests. */
  scanGateway(gateway: Gateway, options?: { egress?: boolean }): Promise<void>;
  /** Scans every file below a folder; better after the gateway stopped. */
  scanFiles(folder: string): Promise<void>;
  /** Everything seen so far, each once. */
  sightings(): Sighting[];
}

/**
 * Looks for secrets that were planted, by name, in whatever form they would leak: as they are, in JSON, in URLs, in
 * hexadecimal digits and in base64 at any offset. They should be random texts of 12 characters and more.
 */
export function canaryScanner(canaries: Record<string, string>): CanaryScanner {
  const forms = Object.entries(canaries).flatMap(([canary, secret]) =>
    formsOf(secret).map((form) => ({ canary, form })),
  );
  const seen = new Map<string, Sighting>();
  const pending: Promise<unknown>[] = [];
  const scanner: CanaryScanner = {
    scan(place, content) {
      const text = typeof content === 'string' ? content : Buffer.from(content).toString('latin1');
      const found = new Set(forms.filter(({ form }) => text.includes(form)).map(({ canary }) => canary));
      const sightings = [...found].map((canary) => ({ canary, place }));
      for (const sighting of sightings) {
        seen.set(`${sighting.canary} ${place}`, sighting);
      }
      return sightings;
    },
    watch(gateway) {
      const { fetch } = gateway;
      gateway.fetch = async (path, init) => {
        const response = await fetch(path, init);
        const copy = response.clone();
        const place = `answer ${init?.method ?? 'GET'} ${path}`;
        scanner.scan(place, JSON.stringify([...copy.headers]));
        pending.push(copy.text().then((text) => scanner.scan(place, text)));
        return response;
      };
    },
    async scanGateway(gateway, { egress = false } = {}) {
      await Promise.all(pending);
      for (const name of ['DB', 'LOGS', 'DATA'] as const) {
        for (const [table, rows] of await dump(gateway[name])) {
          scanner.scan(`${name} ${table}`, rows);
        }
      }
      for (const [key, value] of await everything(gateway.CONTENT)) {
        scanner.scan(`CONTENT ${key}`, `${key} ${value}`);
      }
      scanner.scan('console', gateway.console.join('\n'));
      for (const { method, url, headers, body } of egress ? await gateway.egress() : []) {
        scanner.scan(`egress ${method} ${url}`, [url, JSON.stringify(headers), body].join('\n'));
      }
    },
    async scanFiles(folder) {
      const entries = await readdir(folder, { recursive: true, withFileTypes: true });
      for (const entry of entries.filter((one) => one.isFile())) {
        const path = join(entry.parentPath, entry.name);
        scanner.scan(`file ${path.slice(folder.length + 1)}`, await readFile(path));
      }
    },
    sightings: () => [...seen.values()],
  };
  return scanner;
}

function formsOf(secret: string): string[] {
  const bytes = Buffer.from(secret);
  const hex = bytes.toString('hex');
  // What stands before it decides where a group of three bytes begins; the characters that neighbours share are left out.
  const base64 = [0, 1, 2].flatMap((before) => {
    const text = Buffer.concat([Buffer.alloc(before), bytes])
      .toString('base64')
      .replace(/=+$/, '');
    const end = (before + bytes.length) % 3 === 0 ? undefined : -1;
    const own = text.slice([0, 2, 3][before], end);
    return [own, own.replaceAll('+', '-').replaceAll('/', '_')];
  });
  return [
    ...new Set([
      secret,
      bytes.toString('latin1'),
      JSON.stringify(secret).slice(1, -1),
      encodeURIComponent(secret),
      new URLSearchParams({ '': secret }).toString().slice(1),
      hex,
      hex.toUpperCase(),
      ...base64,
    ]),
  ];
}

/** All rows of all tables, as JSON. */
async function dump(database: D1Database): Promise<[table: string, rows: string][]> {
  const tables = await database
    .prepare(
      `SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite%' AND name NOT LIKE '\\_cf%' ESCAPE '\\'`,
    )
    .all<{ name: string }>();
  const read = async (name: string): Promise<[string, string]> => {
    const { results } = await database.prepare(`SELECT * FROM "${name}"`).all();
    return [name, JSON.stringify(results)];
  };
  return Promise.all(tables.results.map(({ name }) => read(name)));
}

async function everything(store: KVNamespace): Promise<[key: string, value: string][]> {
  const entries: [string, string][] = [];
  let cursor: string | undefined;
  do {
    const page: any = await store.list({ cursor });
    for (const { name } of page.keys) {
      entries.push([name, (await store.get(name)) ?? '']);
    }
    ({ cursor } = page);
  } while (cursor !== undefined);
  return entries;
}
