import type { Feed, FeedEntry, RuleEntry } from '../worker/core/ports.ts';

/** Entries of the feed that a head carries at most; an isolate that is further behind asks for its own. */
const feedTail = 500;

/** Seconds that the feed tells of a lifted rule: no isolate goes on longer without a check. */
const liftedFor = 30 * 86_400;

/**
 * The feed of revocations and firewall rules of one tenant, in the storage of its Publisher object: `feed` (epoch, kind, id, before,
 * until) and `rule` (what an entry about a rule says; a lifted one has none).
 */
export class FeedStore {
  readonly #sql: SqlStorage;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
    sql.exec(
      'CREATE TABLE IF NOT EXISTS feed (epoch INTEGER PRIMARY KEY AUTOINCREMENT, kind TEXT NOT NULL, id TEXT NOT NULL, before INTEGER NOT NULL, until INTEGER NOT NULL)',
    );
    sql.exec('CREATE INDEX IF NOT EXISTS feed_subject ON feed (kind, id)');
    sql.exec(
      'CREATE TABLE IF NOT EXISTS rule (id TEXT PRIMARY KEY, type TEXT NOT NULL, target TEXT NOT NULL) WITHOUT ROWID',
    );
  }

  /** What came after an epoch, as much of it as one answer carries. */
  since(epoch: number): Feed {
    const [{ newest }] = this.#sql.exec('SELECT coalesce(max(epoch), 0) AS newest FROM feed').toArray() as unknown as [
      { newest: number },
    ];
    const from = Math.min(epoch, Math.max(0, newest - feedTail));
    const entries = this.#sql
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
    return { epoch: newest, from, entries };
  }

  revoke(entries: readonly Omit<FeedEntry, 'epoch'>[]): void {
    for (const { kind, id, before, until } of entries) {
      // What the new entry says as well need not be told twice: a family that is refreshed often takes one row.
      this.#sql.exec(
        'DELETE FROM feed WHERE kind = ? AND id = ? AND before <= ? AND until <= ?',
        kind,
        id,
        before,
        until,
      );
      this.#sql.exec('INSERT INTO feed (kind, id, before, until) VALUES (?, ?, ?, ?)', kind, id, before, until);
    }
  }

  /** Tells which rules are new, changed or gone. */
  takeRules(wanted: readonly RuleEntry[]): void {
    const told = new Map(
      this.#sql
        .exec("SELECT feed.id, until, type, target FROM feed JOIN rule ON rule.id = feed.id WHERE kind = 'rule'")
        .toArray()
        .map((row) => [String(row.id), row]),
    );
    const tell = (id: string, until: number) => {
      this.#sql.exec("DELETE FROM feed WHERE kind = 'rule' AND id = ?", id);
      this.#sql.exec("INSERT INTO feed (kind, id, before, until) VALUES ('rule', ?, 0, ?)", id, until);
    };
    for (const { id, type, target, until } of wanted) {
      const known = told.get(id);
      told.delete(id);
      if (known?.type !== type || known.target !== target || known.until !== until) {
        this.#sql.exec('INSERT OR REPLACE INTO rule (id, type, target) VALUES (?, ?, ?)', id, type, target);
        tell(id, until);
      }
    }
    const now = Math.floor(Date.now() / 1000);
    for (const [id, { until }] of told) {
      this.#sql.exec('DELETE FROM rule WHERE id = ?', id);
      if (Number(until) > now) {
        tell(id, now + liftedFor);
      }
    }
  }

  /** Forgets what is past its time. */
  sweep(): void {
    this.#sql.exec('DELETE FROM feed WHERE until < ?', Math.floor(Date.now() / 1000));
  }

  clear(): void {
    this.#sql.exec('DELETE FROM feed');
    this.#sql.exec('DELETE FROM rule');
  }
}
