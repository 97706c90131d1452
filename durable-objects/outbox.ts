import { DurableObject } from 'cloudflare:workers';
import type { EventMessage, OutboxItem, OutboxRpc } from '../worker/core/events.ts';
import type { Env } from '../worker/env.ts';

/** Events that a consumer gets at a time, and characters of payload after which it gets no more. */
const mostTaken = 100;
const mostCharacters = 4_000_000;
/** A consumer that was not heard of for so long is gone, milliseconds. */
const leaseTime = 5_000;
/** What waits after so long needs another wake-up, milliseconds. */
const wakeAgain = 5_000;

/**
 * A shard of a tenant's events that are not fanned out yet. What it accepted is in its storage before the answer leaves
 * (the platform holds answers back until writes are durable). It wakes a consumer through the queue; a wake-up that is
 * lost is repeated by alarm, and by cron.
 *
 * Storage: `event` (one row each, gone when everybody has it) and `address` (one row).
 */
export class Outbox extends DurableObject<Env> implements OutboxRpc {
  readonly #sql: SqlStorage;
  #lease: { name: string; until: number } | null = null;
  /** A wake-up is under way: until a consumer finds nothing more, further ones are of no use. */
  #woken = false;

  constructor(state: DurableObjectState, env: Env) {
    super(state, env);
    this.#sql = state.storage.sql;
    this.#sql.exec(
      `CREATE TABLE IF NOT EXISTS event (number INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, name TEXT NOT NULL,
       payload TEXT NOT NULL, time INTEGER NOT NULL, user_id INTEGER, depth INTEGER NOT NULL, after INTEGER NOT NULL DEFAULT 0)`,
    );
    this.#sql.exec(
      'CREATE TABLE IF NOT EXISTS address (one INTEGER PRIMARY KEY CHECK (one = 1), tenant TEXT NOT NULL, shard INTEGER NOT NULL)',
    );
  }

  async accept(address: { tenant: string; shard: number }, messages: EventMessage[]): Promise<void> {
    this.ctx.storage.transactionSync(() => {
      this.#sql.exec('INSERT OR IGNORE INTO address VALUES (1, ?, ?)', address.tenant, address.shard);
      for (const { id, name, payload, time, userId, depth } of messages) {
        this.#sql.exec(
          'INSERT OR IGNORE INTO event (id, name, payload, time, user_id, depth) VALUES (?, ?, ?, ?, ?, ?)',
          id,
          name,
          payload,
          time,
          userId,
          depth,
        );
      }
    });
    if (!this.#woken) {
      this.#wake();
      await this.ctx.storage.setAlarm(Date.now() + wakeAgain);
    }
  }

  async take(lease: string): Promise<OutboxItem[]> {
    const now = Date.now();
    if (this.#lease !== null && this.#lease.name !== lease && now < this.#lease.until) {
      return [];
    }
    const items: OutboxItem[] = [];
    let characters = 0;
    const rows = this.#sql.exec(
      `SELECT id, name, payload, time, user_id AS userId, depth, after FROM event ORDER BY number LIMIT ${mostTaken}`,
    );
    for (const row of rows) {
      const item = row as unknown as OutboxItem;
      characters += item.payload.length;
      if (items.length > 0 && characters > mostCharacters) {
        break;
      }
      items.push(item);
    }
    this.#lease = items.length > 0 ? { name: lease, until: now + leaseTime } : null;
    // From here on what is accepted needs a wake-up of its own.
    this.#woken = items.length > 0;
    return items;
  }

  async done(lease: string, done: string[], reached: { id: string; after: number }[]): Promise<void> {
    this.ctx.storage.transactionSync(() => {
      for (const id of done) {
        this.#sql.exec('DELETE FROM event WHERE id = ?', id);
      }
      for (const { id, after } of reached) {
        this.#sql.exec('UPDATE event SET after = max(after, ?) WHERE id = ?', after, id);
      }
    });
    if (this.#lease?.name === lease) {
      this.#lease.until = Date.now() + leaseTime;
    }
  }

  async release(lease: string): Promise<void> {
    if (this.#lease?.name === lease) {
      this.#lease = null;
    }
  }

  override async alarm(): Promise<void> {
    const waiting = this.#sql.exec('SELECT number FROM event LIMIT 1').toArray().length > 0;
    if (waiting) {
      this.#wake();
      await this.ctx.storage.setAlarm(Date.now() + wakeAgain);
    }
  }

  #wake(): void {
    this.#woken = true;
    const [address] = this.#sql.exec('SELECT tenant, shard FROM address').toArray();
    if (address !== undefined) {
      const message = { tenant: String(address.tenant), outbox: Number(address.shard) };
      this.ctx.waitUntil(this.env.EVENTS.send(message).then(undefined, () => undefined));
    }
  }
}
