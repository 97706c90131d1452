import { DurableObject } from 'cloudflare:workers';
import type { Committer, Pointer } from '../worker/core/committer.ts';
import { ApiError } from '../worker/core/errors.ts';
import type {
  Actor,
  ChangeResult,
  CommitRequest,
  CommitResult,
  Feed,
  FeedEntry,
  Head,
  Outcome,
  PublisherRpc,
} from '../worker/core/ports.ts';
import type { Env } from '../worker/env.ts';

/** Entries of the feed that a head carries at most; an isolate that is further behind asks for its own. */
const feedTail = 500;

interface Waiting {
  request: CommitRequest;
  settle(outcome: Outcome<CommitResult>): void;
}

/**
 * Serialises the writers of one tenant's configuration and keeps the pointer to its newest revision, and the feed of
 * revocations, warm: both are answered without the database. The class is completed by `worker/index.ts` with the committer.
 *
 * Storage: `pointer` (one row), `unsure` (one row while a batch is under way: after a crash the database is asked which
 * revision is the newest), `feed` (epoch, kind, id, before, until).
 */
export abstract class PublisherObject extends DurableObject<Env> implements PublisherRpc {
  protected abstract readonly committer: Committer;
  #queue: Waiting[] = [];
  #working = false;
  #tail: Promise<void> = Promise.resolve();
  #seeding: Promise<Pointer> | null = null;
  #pointer: Pointer | null = null;
  #unsure = false;

  constructor(state: DurableObjectState, env: Env) {
    super(state, env);
    const { sql } = state.storage;
    sql.exec(
      'CREATE TABLE IF NOT EXISTS pointer (one INTEGER PRIMARY KEY CHECK (one = 1), revision INTEGER NOT NULL, manifest TEXT NOT NULL)',
    );
    sql.exec('CREATE TABLE IF NOT EXISTS unsure (one INTEGER PRIMARY KEY CHECK (one = 1))');
    sql.exec(
      'CREATE TABLE IF NOT EXISTS feed (epoch INTEGER PRIMARY KEY AUTOINCREMENT, kind TEXT NOT NULL, id TEXT NOT NULL, before INTEGER NOT NULL, until INTEGER NOT NULL)',
    );
    sql.exec('CREATE INDEX IF NOT EXISTS feed_subject ON feed (kind, id)');
    const [pointer] = sql.exec('SELECT revision, manifest FROM pointer').toArray() as unknown as Pointer[];
    this.#pointer = pointer ?? null;
    this.#unsure = sql.exec('SELECT one FROM unsure').toArray().length > 0;
  }

  async head(tenant: string, sinceEpoch: number): Promise<Head> {
    await this.#settled(tenant);
    return this.#head(sinceEpoch);
  }

  commit(request: CommitRequest): Promise<Outcome<CommitResult>> {
    return new Promise((settle) => {
      this.#queue.push({ request, settle });
      void this.#work();
    });
  }

  async rollback(tenant: string, to: number, actor: Actor, plan = false): Promise<Outcome<CommitResult>> {
    return this.#exclusive(async () => {
      await this.#settled(tenant);
      const { pointer, outcome } = await this.#attempt(() =>
        this.committer.rollback(this.#pointer!, tenant, to, actor, plan),
      );
      this.#move(pointer);
      return this.#answer(outcome);
    });
  }

  async revoke(_tenant: string, entries: Omit<FeedEntry, 'epoch'>[]): Promise<Head> {
    const { sql } = this.ctx.storage;
    for (const { kind, id, before, until } of entries) {
      // What the new entry says as well need not be told twice: a family that is refreshed often takes one row.
      sql.exec('DELETE FROM feed WHERE kind = ? AND id = ? AND before <= ? AND until <= ?', kind, id, before, until);
      sql.exec('INSERT INTO feed (kind, id, before, until) VALUES (?, ?, ?, ?)', kind, id, before, until);
    }
    await this.ctx.storage.sync();
    return this.#head(Number.MAX_SAFE_INTEGER);
  }

  async sweep(tenant: string): Promise<void> {
    await this.#exclusive(async () => {
      const newest = await this.committer.newest(tenant);
      if (newest !== null && newest.revision > (this.#pointer?.revision ?? 0)) {
        this.#move(newest);
      }
      if (this.#pointer !== null) {
        await this.committer.collect(tenant, this.#pointer);
      }
    });
    this.ctx.storage.sql.exec('DELETE FROM feed WHERE until < ?', Math.floor(Date.now() / 1000));
  }

  /** Takes everything that waits as one revision, then what arrived meanwhile: many writers share a batch. */
  async #work(): Promise<void> {
    if (this.#working) {
      return;
    }
    this.#working = true;
    await this.#exclusive(async () => {
      while (this.#queue.length > 0) {
        const taken = this.#take();
        try {
          await this.#settled(taken[0]!.request.tenant);
          const requests = taken.map(({ request }) => request);
          const { pointer, outcomes } = await this.#attempt(() => this.committer.commit(this.#pointer!, requests));
          this.#move(pointer);
          for (const [index, { settle }] of taken.entries()) {
            settle(this.#answer(outcomes[index]!));
          }
        } catch (thrown) {
          const error = this.#refusal(thrown);
          for (const { settle } of taken) {
            settle({ ok: false, error: error.toPlain() });
          }
        }
      }
      this.#working = false;
    });
  }

  /** Requests of one actor go together; a plan goes alone, for it is undone. */
  #take(): Waiting[] {
    const first = this.#queue.shift()!;
    const taken = [first];
    const same = ({ request }: Waiting) =>
      !request.plan && request.actor.userId === first.request.actor.userId && request.tenant === first.request.tenant;
    while (!first.request.plan && taken.length < 50 && this.#queue.length > 0 && same(this.#queue[0]!)) {
      taken.push(this.#queue.shift()!);
    }
    return taken;
  }

  /** One at a time, in the order of arrival. */
  async #exclusive<T>(run: () => Promise<T>): Promise<T> {
    const turn = this.#tail;
    let done = () => {};
    this.#tail = new Promise((resolve) => {
      done = resolve;
    });
    await turn;
    try {
      return await run();
    } finally {
      done();
    }
  }

  /** Makes sure that the pointer is known: from storage, or after a crash or an error from the database, or by seeding. */
  async #settled(tenant: string): Promise<void> {
    if (this.#pointer !== null && !this.#unsure) {
      return;
    }
    try {
      const newest = await this.committer.newest(tenant);
      if (newest !== null && newest.revision >= (this.#pointer?.revision ?? 0)) {
        this.#move(newest);
      } else if (newest === null && this.#pointer === null) {
        this.#seeding ??= this.committer.seed(tenant).finally(() => {
          this.#seeding = null;
        });
        this.#move(await this.#seeding);
      }
    } catch (thrown) {
      // Without the database the last known pointer is still a whole revision; writers are refused by their own failure.
      if (this.#pointer === null) {
        throw thrown;
      }
    }
  }

  /** Remembers across a crash that the database may be ahead of the pointer. */
  async #attempt<T>(run: () => Promise<T>): Promise<T> {
    this.ctx.storage.sql.exec('INSERT OR IGNORE INTO unsure (one) VALUES (1)');
    this.#unsure = true;
    return run();
  }

  #move(pointer: Pointer): void {
    const { sql } = this.ctx.storage;
    if (pointer.revision !== this.#pointer?.revision) {
      sql.exec(
        'INSERT OR REPLACE INTO pointer (one, revision, manifest) VALUES (1, ?, ?)',
        pointer.revision,
        pointer.manifest,
      );
      this.#pointer = pointer;
    }
    sql.exec('DELETE FROM unsure');
    this.#unsure = false;
  }

  #answer(outcome: Outcome<ChangeResult[]>): Outcome<CommitResult> {
    return outcome.ok
      ? { ok: true, value: { head: this.#head(Number.MAX_SAFE_INTEGER), results: outcome.value } }
      : outcome;
  }

  #head(sinceEpoch: number): Head {
    return { ...this.#pointer!, asOf: Date.now(), feed: this.#feed(sinceEpoch) };
  }

  #feed(sinceEpoch: number): Feed {
    const { sql } = this.ctx.storage;
    const [{ epoch }] = sql.exec('SELECT coalesce(max(epoch), 0) AS epoch FROM feed').toArray() as unknown as [
      { epoch: number },
    ];
    const from = Math.min(sinceEpoch, Math.max(0, epoch - feedTail));
    const entries = sql
      .exec(
        'SELECT epoch, kind, id, before, until FROM feed WHERE epoch > ? AND until >= ? ORDER BY epoch',
        from,
        Math.floor(Date.now() / 1000),
      )
      .toArray() as unknown as FeedEntry[];
    return { epoch, from, entries };
  }

  /** What a writer is told when a publish could not be made; errors of ours are said to the operator in full. */
  #refusal(thrown: unknown): ApiError {
    const error = ApiError.from(thrown);
    if (error.code === 'internal') {
      console.error(JSON.stringify({ kind: 'fault', place: 'publisher', message: String(thrown) }));
    }
    return error;
  }
}
