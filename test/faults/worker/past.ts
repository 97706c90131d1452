// What reads were answered before: what a cache or a replica that lags would still say. Plain data of one isolate.

/** A read that can be answered as it was before. */
export interface Reading<T> {
  run(): Promise<T>;
  /** The answer that this isolate got when it last asked the same; what a store says that has nothing, when it never did. */
  stale(): Promise<T>;
}

/** Answers that are kept; the one that was used longest ago goes first. */
const capacity = 1_000;
const answers = new Map<string, unknown>();

function remember(question: string, answer: unknown): void {
  answers.delete(question);
  answers.set(question, answer);
  if (answers.size > capacity) {
    answers.delete(answers.keys().next().value!);
  }
}

/** KV's `get`, of one key or of many; undefined for values that are streams, and for other methods. */
export function kvReading(
  binding: string,
  method: string,
  args: readonly unknown[],
  run: () => Promise<unknown>,
): Reading<unknown> | undefined {
  const [keys, options] = args;
  const type = (typeof options === 'object' ? (options as { type?: string } | null)?.type : options) ?? 'text';
  if (method !== 'get' || (type !== 'text' && type !== 'json')) {
    return undefined;
  }
  const question = (key: string) => `${binding} ${type} ${key}`;
  const last = (key: string) => structuredClone(answers.get(question(key)) ?? null);
  if (Array.isArray(keys)) {
    return {
      run: async () => {
        const found = (await run()) as Map<string, unknown>;
        for (const [key, value] of found) {
          remember(question(key), structuredClone(value));
        }
        return found;
      },
      stale: async () => new Map(keys.map((key) => [key, last(key)])),
    };
  }
  return {
    run: async () => {
      const found = await run();
      remember(question(String(keys)), structuredClone(found));
      return found;
    },
    stale: async () => last(String(keys)),
  };
}

/** The Cache API's `match`; undefined for other methods. */
export function cacheReading(
  method: string,
  url: string,
  run: () => Promise<unknown>,
): Reading<Response | undefined> | undefined {
  if (method !== 'match') {
    return undefined;
  }
  const question = `caches ${url}`;
  return {
    run: async () => {
      const found = (await run()) as Response | undefined;
      // The response itself is the request's; its text may be kept.
      const copy = found?.clone();
      remember(question, copy && { text: await copy.text(), status: copy.status, headers: [...copy.headers] });
      return found;
    },
    stale: async () => {
      const last = answers.get(question) as { text: string; status: number; headers: [string, string][] } | undefined;
      return last && new Response(last.text, last);
    },
  };
}

/** A statement that reads, with its values; undefined for one that writes. What was never asked is answered truly. */
export function statementReading(
  binding: string,
  method: string,
  sql: string,
  asked: unknown,
  run: () => Promise<unknown>,
): Reading<unknown> | undefined {
  if (!/^\s*(select|with)\b/i.test(sql) || /\b(insert|update|delete|replace)\b/i.test(sql)) {
    return undefined;
  }
  const question = `${binding} ${method} ${sql} ${JSON.stringify(asked)}`;
  const reading = {
    run: async () => {
      const found = await run();
      remember(question, structuredClone(found));
      return found;
    },
    stale: async () => (answers.has(question) ? structuredClone(answers.get(question)) : reading.run()),
  };
  return reading;
}
