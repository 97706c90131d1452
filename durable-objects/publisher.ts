import { DurableObject } from 'cloudflare:workers';
import type { Committed, Committer, Pointer } from '../worker/core/committer.ts';
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
  RuleEntry,
} from '../worker/core/ports.ts';
import type { Env } from '../worker/env.ts';

/** Entries of the feed that a head carries at most; an isolate that is further behind asks for its own. */
const feedTail = 500;

/** Seconds that the feed tells of a lifted rule: no isolate goes on longer without a check. */
const liftedFor = 30 * 86_400;

/** Longest wait of a head for the database, milliseconds; without it the last known pointer is told. */
const settlePatience = 50;
/** Longest wait of a writer for its turn, milliseconds: then it is told that nothing was changed. */
const turnPatience = 8_000;

/** Contents that one alarm brings to the content store, and milliseconds until the next after some were not taken. */
const mostOffered = 500;
const offerPause = 5_000;
/** Requests that share a revision at most. */
const mostTogether = 100;

interface Waiting {
  request: CommitRequest;
  since: number;
  settle(outcome: Outcome<CommitResult>): void;
}

/**
 * Serialises the writers of one tenant's configuration and keeps the pointer to its newest revision, and the feed of
 * revocations, warm: both are answered without the database. The class is completed by `worker/index.ts` with the committer.
 *
 * Storage: `pointer` (one row), `unsure` (one row while a batch is under way: after a crash the database is asked which
 * revision is the newest), `unoffered` (hashes that the content store did not take yet), `feed` (epoch, kind, id, before,
 * until), `rule` (what an entry about a firewall rule says; a lifted one has none), `retired` (one row once the tenant was removed).
 */
export abstract class PublisherObject extends DurableObject<Env> implements PublisherRpc {
  protected abstract readonly committer: Committer;
  #queue: Waiting[] = [];
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
    sql.exec(
      'CREATE TABLE IF NOT EXISTS feed (epoch INTEGER PRIMARY KEY AUTOINCREMENT, kind TEXT NOT NULL, id TEXT NOT NULL, before INTEGER NOT NULL, until INTEGER NOT NULL)',
    );
    sql.exec('CREATE INDEX IF NOT EXISTS feed_subject ON feed (kind, id)');
    sql.exec(
      'CREATE TABLE IF NOT EXISTS rule (id TEXT PRIMARY KEY, type TEXT NOT NULL, target TEXT NOT NULL) WITHOUT ROWID',
    );
    sql.exec('CREATE TABLE IF NOT EXISTS retired (one INTEGER PRIMARY KEY CHECK (one = 1))');
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
    return new Promise((settle) => {
      this.#queue.push({ request, since: Date.now(), settle });
      void this.#work();
    });
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
    const { sql } = this.ctx.storage;
    for (const { kind, id, before, until } of entries) {
      // What the new entry says as well need not be told twice: a family that is refreshed often takes one row.
      sql.exec('DELETE FROM feed WHERE kind = ? AND id = ? AND before <= ? AND until <= ?', kind, id, before, until);
      sql.exec('INSERT INTO feed (kind, id, before, until) VALUES (?, ?, ?, ?)', kind, id, before, until);
    }
    await this.ctx.storage.sync();
    return this.#head(Number.MAX_SAFE_INTEGER);
  }

  async firewall(tenant: string): Promise<Head> {
    // One reading after the other: the last one to be told began after the last change.
    const turn = this.#rulesTail;
    const work = turn.catch(() => undefined).then(async () => this.#takeRules(await this.committer.rules(tenant)));
    this.#rulesTail = work;
    try {
      await work;
    } catch (thrown) {
      throw new Error(this.#refusal(thrown).message);
    }
    await this.ctx.storage.sync();
    return this.#head(Number.MAX_SAFE_INTEGER);
  }

  /** Tells the feed which rules are new, changed or gone. */
  #takeRules(wanted: readonly RuleEntry[]): void {
    const { sql } = this.ctx.storage;
    const told = new Map(
      sql
        .exec("SELECT feed.id, until, type, target FROM feed JOIN rule ON rule.id = feed.id WHERE kind = 'rule'")
        .toArray()
        .map((row) => [String(row.id), row]),
    );
    const tell = (id: string, until: number) => {
      sql.exec("DELETE FROM feed WHERE kind = 'rule' AND id = ?", id);
      sql.exec("INSERT INTO feed (kind, id, before, until) VALUES ('rule', ?, 0, ?)", id, until);
    };
    for (const { id, type, target, until } of wanted) {
      const known = told.get(id);
      told.delete(id);
      if (known?.type !== type || known.target !== target || known.until !== until) {
        sql.exec('INSERT OR REPLACE INTO rule (id, type, target) VALUES (?, ?, ?)', id, type, target);
        tell(id, until);
      }
    }
    const now = Math.floor(Date.now() / 1000);
    for (const [id, { until }] of told) {
      sql.exec('DELETE FROM rule WHERE id = ?', id);
      if (Number(until) > now) {
        tell(id, now + liftedFor);
      }
    }
  }

  async retire(): Promise<void> {
    const { sql } = this.ctx.storage;
    sql.exec('INSERT OR IGNORE INTO retired (one) VALUES (1)');
    for (const table of ['feed', 'rule', 'unoffered']) {
      sql.exec(`DELETE FROM ${table}`);
    }
    this.#retired = true;
    await this.ctx.storage.sync();
  }

  async sweep(tenant: string): Promise<void> {
    this.ctx.storage.sql.exec('DELETE FROM feed WHERE until < ?', Math.floor(Date.now() / 1000));
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
      this.#refuseWaiting();
      while (this.#queue.length > 0) {
        const taken = this.#take();
        const requests = taken.map(({ request }) => request);
        const { tenant } = requests[0]!;
        try {
          await this.#settled(tenant);
          const committed = await this.#attempt(() => this.committer.commit(this.#pointer!, requests));
          this.#took(tenant, committed);
          const head = this.#head(Number.MAX_SAFE_INTEGER);
          for (const [index, { settle }] of taken.entries()) {
            settle(answer(committed.outcomes[index]!, head));
          }
        } catch (thrown) {
          const error = this.#refusal(thrown);
          for (const { settle } of taken) {
            settle({ ok: false, error: error.toPlain() });
          }
        }
        this.#refuseWaiting();
      }
      this.#working = false;
    });
  }

  /** Requests of one actor go together; a plan goes alone, for it is undone. */
  #take(): Waiting[] {
    const first = this.#queue.shift()!;
    const taken = [first];
    const { actor, tenant, plan } = first.request;
    const scopes = String(actor.scopes);
    const same = ({ request }: Waiting) =>
      !request.plan &&
      request.tenant === tenant &&
      request.actor.userId === actor.userId &&
      request.actor.appId === actor.appId &&
      request.actor.ip === actor.ip &&
      String(request.actor.scopes) === scopes;
    while (!plan && taken.length < mostTogether && this.#queue.length > 0 && same(this.#queue[0]!)) {
      taken.push(this.#queue.shift()!);
    }
    return taken;
  }

  /** Who waited too long for its turn, or behind a database that turned out to be gone, is told so at once. */
  #refuseWaiting(): void {
    const waiting = this.#queue;
    this.#queue = [];
    for (const request of waiting) {
      const error = this.#inVain(request.since) ?? (Date.now() - request.since > turnPatience ? busy() : null);
      error === null ? this.#queue.push(request) : request.settle({ ok: false, error: error.toPlain() });
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
        'SELECT epoch, kind, feed.id AS id, before, until, type, target FROM feed LEFT JOIN rule ON kind = ? AND rule.id = feed.id WHERE epoch > ? AND until >= ? ORDER BY epoch',
        'rule',
        from,
        Math.floor(Date.now() / 1000),
      )
      .toArray()
      .map(({ type, target, ...entry }) =>
        entry.kind === 'rule' ? { ...entry, rule: type === null ? null : { type, target } } : entry,
      ) as unknown as FeedEntry[];
    return { epoch, from, entries };
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

function busy(): ApiError {
  return new ApiError('unavailable', 'Other changes are being made; nothing was changed', {
    headers: { 'Retry-After': '2' },
  });
}

function answer(outcome: Outcome<ChangeResult[]>, head: Head): Outcome<CommitResult> {
  return outcome.ok ? { ok: true, value: { head, results: outcome.value } } : outcome;
}
