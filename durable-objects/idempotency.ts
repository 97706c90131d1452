import { DurableObject } from 'cloudflare:workers';
import type { IdempotencyRpc, KeptOutcome, KeyUse, KeyVerdict } from '../worker/core/idempotency.ts';
import type { Env } from '../worker/env.ts';

/** How long a key is remembered from its first use on, milliseconds. */
const remembered = 86_400_000;

interface UseRow extends Record<string, SqlStorageValue> {
  fingerprint: string;
  token: string;
  /** Without an outcome then, it is lost; milliseconds since the epoch. */
  deadline: number;
  expires: number;
  /** JSON of the outcome without the body; null while it runs. */
  outcome: string | null;
  body: ArrayBuffer | null;
}

/**
 * One idempotency key: of any number of uses the first one runs, and what it came to is what all others get. The claim is durable
 * before the run begins, so a crash leaves a claim without an outcome, never a second run.
 *
 * Storage: `use` (one row). Gone a day after the first use, by alarm.
 */
export class Idempotency extends DurableObject<Env> implements IdempotencyRpc {
  readonly #sql: SqlStorage;
  #waiting: PromiseWithResolvers<void> | null = null;

  constructor(state: DurableObjectState, env: Env) {
    super(state, env);
    this.#sql = state.storage.sql;
  }

  async use(use: KeyUse): Promise<KeyVerdict> {
    for (;;) {
      const now = Date.now();
      const row = this.#row(now);
      if (row === undefined) {
        this.#claim(use, now);
        await this.ctx.storage.setAlarm(now + remembered);
        return { state: 'claimed' };
      }
      if (row.fingerprint !== use.fingerprint) {
        return { state: 'differs' };
      }
      if (row.outcome !== null) {
        return { state: 'known', outcome: outcomeOf(row) };
      }
      if (row.token === use.token) {
        return { state: 'claimed' };
      }
      if (row.deadline <= now) {
        return { state: 'unknown' };
      }
      await this.#change(row.deadline - now);
    }
  }

  async keep(token: string, outcome: KeptOutcome): Promise<void> {
    const { body = null, ...rest } = 'answer' in outcome && outcome.answer !== null ? outcome.answer : {};
    const text = JSON.stringify('answer' in outcome && outcome.answer !== null ? { answer: rest } : outcome);
    if (this.#row(Date.now())?.token === token) {
      this.#sql.exec(
        'UPDATE use SET outcome = ?, body = ? WHERE outcome IS NULL',
        text,
        body === null ? null : bufferOf(body),
      );
    }
    this.#tell();
  }

  async release(token: string): Promise<void> {
    if (this.#row(Date.now())?.token === token) {
      this.#sql.exec('DELETE FROM use WHERE outcome IS NULL');
    }
    this.#tell();
  }

  override async alarm(): Promise<void> {
    await this.ctx.storage.deleteAll();
  }

  #row(now: number): UseRow | undefined {
    this.#sql.exec(
      `CREATE TABLE IF NOT EXISTS use (one INTEGER PRIMARY KEY CHECK (one = 1), fingerprint TEXT NOT NULL, token TEXT NOT NULL,
       deadline INTEGER NOT NULL, expires INTEGER NOT NULL, outcome TEXT, body BLOB)`,
    );
    return this.#sql.exec<UseRow>('SELECT * FROM use WHERE expires > ?', now).toArray()[0];
  }

  #claim({ fingerprint, token, lease }: KeyUse, now: number): void {
    this.#sql.exec(
      'INSERT OR REPLACE INTO use (one, fingerprint, token, deadline, expires) VALUES (1, ?, ?, ?, ?)',
      fingerprint,
      token,
      now + lease,
      now + remembered,
    );
  }

  /** Until there is an outcome, or the time is over. */
  async #change(patience: number): Promise<void> {
    this.#waiting ??= Promise.withResolvers();
    await Promise.race([this.#waiting.promise, scheduler.wait(patience)]);
  }

  #tell(): void {
    this.#waiting?.resolve();
    this.#waiting = null;
  }
}

function outcomeOf({ outcome, body }: UseRow): KeptOutcome {
  const kept = JSON.parse(outcome!) as KeptOutcome;
  return 'answer' in kept && kept.answer !== null
    ? { answer: { ...kept.answer, body: body === null ? null : new Uint8Array(body) } }
    : kept;
}

function bufferOf(bytes: Uint8Array): ArrayBuffer {
  return bytes.slice().buffer as ArrayBuffer;
}
