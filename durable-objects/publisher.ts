import { DurableObject } from 'cloudflare:workers';
import type { Committed, Committer, Pointer } from '../worker/core/committer.ts';
import { ApiError } from '../worker/core/errors.ts';
import type {
  Actor,
  ChangeResult,
  CommitRequest,
  CommitResult,
  FeedEntry,
  Head,
  Outcome,
  PublisherRpc,
} from '../worker/core/ports.ts';
import type { Env } from '../worker/env.ts';
import { FeedStore } from './feed-store.ts';
import { type Turn, Writers } from './writers.ts';

/** Longest wait of a head for the database, milliseconds; without it the last known pointer is told. */
const settlePatience = 50;
/** Contents that one alarm brings to the content store, and milliseconds until the next after some were not taken. */
const mostOffered = 500;
const offerPause = 5_000;
/**
 * Serialises the writers of one tenant's configuration and keeps the pointer to its newest revision, and the feed of
 * revocations, warm: both are answered without the database. The class is completed by `worker/index.ts` with the committer.
 *
 * Storage: `pointer` (one row), `unsure` (one row while a batch is under way: after a crash the database is asked which
 * revision is the newest), `unoffered` (hashes that the content store did not take yet), `retired` (one row once the tenant was
 * removed), and what feed-store.ts names.
 */
export abstract class PublisherObject extends DurableObject<Env> implements PublisherRpc {
  protected abstract readonly committer: Committer;
  readonly #feed: FeedStore;
  readonly #writers = new Writers();
  #working = false;
  #tail: Promise<void> = Promise.resolve();
  #rulesTail: Promise<void> = Promise.resolve();
  #settling: Promise<void> | null = null;
  #pointer: Pointer | null = null;
  #unsure = false;
  /** When the database was last found to be gone. */
  #failure: { at: number; error: ApiError } | null = null;
  #retired: boolean;
  /** A batch is under way in this life of the object. */
  #attempting = false;

  constructor(state: DurableObjectState, env: Env) {
    super(state, env);
    const { sql } = state.storage;
    sql.exec(
      'CREATE TABLE IF NOT EXISTS pointer (one INTEGER PRIMARY KEY CHECK (one = 1), revision INTEGER NOT NULL, manifest TEXT NOT NULL)',
    );
    sql.exec('CREATE TABLE IF NOT EXISTS unsure (one INTEGER PRIMARY KEY CHECK (one = 1))');
    sql.exec('CREATE TABLE IF NOT EXISTS unoffered (hash TEXT PRIMARY KEY, tenant TEXT NOT NULL) WITHOUT ROWID');
    sql.exec('CREATE TABLE IF NOT EXISTS retired (one INTEGER PRIMARY KEY CHECK (one = 1))');
    this.#feed = new FeedStore(sql);
    this.#retired = sql.exec('SELECT one FROM retired').toArray().length > 0;
    const [pointer] = sql.exec('SELECT revision, manifest FROM pointer').toArray() as unknown as Pointer[];
    this.#pointer = pointer ?? null;
    this.#unsure = sql.exec('SELECT one FROM unsure').toArray().length > 0;
  }

  async head(tenant: string, sinceEpoch: number): Promise<Head> {
    this.#throwRetired();
    if (this.#pointer === null) {
      await this.#settled(tenant);
    } else if (this.#unsure && !this.#attempting) {
      // Without the database the last known pointer is still a whole revision.
      await Promise.race([this.#settled(tenant).catch(() => undefined), scheduler.wait(settlePatience)]);
    }
    return this.#head(sinceEpoch);
  }

  commit(request: CommitRequest): Promise<Outcome<CommitResult>> {
    const answered = this.#writers.add(request);
    void this.#work();
    return answered;
  }

  async rollback(tenant: string, to: number, actor: Actor, plan = false): Promise<Outcome<CommitResult>> {
    const since = Date.now();
    return this.#exclusive(async () => {
      try {
        this.#throwInVain(since);
        await this.#settled(tenant);
        const rolled = await this.#attempt(() => this.committer.rollback(this.#pointer!, tenant, to, actor, plan));
        this.#took(tenant, rolled);
        return answer(rolled.outcome, this.#head(Number.MAX_SAFE_INTEGER));
      } catch (thrown) {
        return { ok: false, error: this.#refusal(thrown).toPlain() };
      }
    });
  }

  async revoke(_tenant: string, entries: Omit<FeedEntry, 'epoch'>[]): Promise<Head> {
    this.#feed.revoke(entries);
    await this.ctx.storage.sync();
    return this.#head(Number.MAX_SAFE_INTEGER);
  }

  async firewall(tenant: string): Promise<Head> {
    // One reading after the other: the last one to be told began after the last change.
    const turn = this.#rulesTail;
    const work = turn.catch(() => undefined).then(async () => this.#feed.takeRules(await this.committer.rules(tenant)));
    this.#rulesTail = work;
    try {
      await work;
    } catch (thrown) {
      throw new Error(this.#refusal(thrown).message);
    }
    await this.ctx.storage.sync();
    return this.#head(Number.MAX_SAFE_INTEGER);
  }

  async retire(): Promise<void> {
    const { sql } = this.ctx.storage;
    sql.exec('INSERT OR IGNORE INTO retired (one) VALUES (1)');
    sql.exec('DELETE FROM unoffered');
    this.#feed.clear();
    this.#retired = true;
    await this.ctx.storage.sync();
  }

  async sweep(tenant: string): Promise<void> {
    this.#feed.sweep();
    // What a change of the rules could not tell, or what came around the management API.
    await this.firewall(tenant);
    await this.#exclusive(async () => {
      try {
        await this.#ask(tenant);
        await this.committer.collect(tenant, this.#pointer!);
      } catch (thrown) {
        throw this.#refusal(thrown);
      }
    });
  }

  /** Takes everything that waits as one revision, then what arrived meanwhile: many writers share a batch. */
  async #work(): Promise<void> {
    if (this.#working) {
      return;
    }
    this.#working = true;
    await this.#exclusive(async () => {
      for (;;) {
        this.#writers.refuse((since) => this.#inVain(since));
        if (this.#writers.size === 0) {
          break;
        }
        await this.#writers.turn((turn) => this.#publish(turn));
      }
      this.#working = false;
    });
  }

  async #publish({ requests, settle }: Turn): Promise<void> {
    try {
      const { tenant } = requests[0]!;
      await this.#settled(tenant);
      const committed = await this.#attempt(() => this.committer.commit(this.#pointer!, requests));
      this.#took(tenant, committed);
      const head = this.#head(Number.MAX_SAFE_INTEGER);
      for (const [index, outcome] of committed.outcomes.entries()) {
        settle(index, answer(outcome, head));
      }
    } catch (thrown) {
      const error = this.#refusal(thrown).toPlain();
      for (const index of requests.keys()) {
        settle(index, { ok: false, error });
      }
    }
  }

  /** The failure that whoever has waited since then would only meet again. */
  #inVain(since: number): ApiError | null {
    return this.#failure !== null && since <= this.#failure.at ? this.#failure.error : null;
  }

  #throwInVain(since: number): void {
    const error = this.#inVain(since);
    if (error !== null) {
      throw error;
    }
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

  /**
   * Makes sure that the pointer is known: from storage, or after a crash or an error from the database, or by seeding. Throws
   * without the database. Whoever asks meanwhile shares the answer.
   */
  async #settled(tenant: string): Promise<void> {
    this.#throwRetired();
    if (this.#pointer === null || this.#unsure) {
      this.#settling ??= this.#ask(tenant).finally(() => {
        this.#settling = null;
      });
      await this.#settling;
    }
  }

  #throwRetired(): void {
    if (this.#retired) {
      throw new ApiError('deleted', 'The tenant was removed');
    }
  }

  async #ask(tenant: string): Promise<void> {
    const known = this.#pointer;
    const newest = await this.committer.newest(tenant);
    if (newest === null && known === null) {
      this.#took(tenant, await this.committer.seed(tenant));
    } else if (newest !== null && newest.revision > (known?.revision ?? 0)) {
      // Nobody saw that publish to its end: its content may not have reached the content store.
      this.#took(tenant, {
        pointer: newest,
        unoffered: await this.committer.writtenSince(tenant, known?.revision ?? 0),
      });
    } else if (known !== null) {
      this.#move(known);
    }
  }

  /** Remembers across a crash that the database may be ahead of the pointer. */
  async #attempt<T>(run: () => Promise<T>): Promise<T> {
    this.ctx.storage.sql.exec('INSERT OR IGNORE INTO unsure (one) VALUES (1)');
    this.#unsure = true;
    this.#attempting = true;
    try {
      return await run();
    } finally {
      this.#attempting = false;
    }
  }

  #took(tenant: string, { pointer, unoffered }: Committed): void {
    for (const hash of unoffered) {
      this.ctx.storage.sql.exec('INSERT OR IGNORE INTO unoffered (hash, tenant) VALUES (?, ?)', hash, tenant);
    }
    this.#move(pointer);
    if (unoffered.length > 0) {
      this.ctx.waitUntil(this.ctx.storage.setAlarm(Date.now()));
    }
  }

  /** Brings content that the content store did not take to it, beside the writers; an invocation may take only so many. */
  override async alarm(): Promise<void> {
    const { sql } = this.ctx.storage;
    const rows = sql.exec(`SELECT hash, tenant FROM unoffered LIMIT ${mostOffered}`).toArray();
    const [first] = rows;
    if (first === undefined) {
      return;
    }
    const hashes = rows.map(({ hash }) => String(hash));
    const left = new Set(await this.committer.offer(String(first.tenant), hashes).catch(() => hashes));
    for (const hash of hashes) {
      if (!left.has(hash)) {
        sql.exec('DELETE FROM unoffered WHERE hash = ?', hash);
      }
    }
    const more = sql.exec('SELECT hash FROM unoffered LIMIT 1').toArray().length > 0;
    if (more) {
      await this.ctx.storage.setAlarm(Date.now() + (left.size === 0 ? 0 : offerPause));
    }
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

  #head(sinceEpoch: number): Head {
    return { ...this.#pointer!, asOf: Date.now(), feed: this.#feed.since(sinceEpoch) };
  }

  /** What a writer is told when a publish could not be made; errors of ours are said to the operator in full. */
  #refusal(thrown: unknown): ApiError {
    const error = ApiError.from(thrown);
    if (error.code === 'unavailable' && error !== this.#failure?.error) {
      this.#failure = { at: Date.now(), error };
    }
    if (error.code === 'internal') {
      console.error(JSON.stringify({ kind: 'fault', place: 'publisher', message: String(thrown) }));
    }
    return error;
  }
}

function answer(outcome: Outcome<ChangeResult[]>, head: Head): Outcome<CommitResult> {
  return outcome.ok ? { ok: true, value: { head, results: outcome.value } } : outcome;
}
