import { DurableObject } from 'cloudflare:workers';
import type { AccessMark, FamilyOwner, FamilyStart, Renewal, Rotation, TokenFamilyRpc } from '../worker/core/ports.ts';
import { publisherOf } from '../worker/core/publisher-of.ts';
import type { Env } from '../worker/env.ts';

/** A used refresh token that comes back within this time is taken for a race or a client's retry, milliseconds. */
const grace = 10_000;

/** Seconds that an ended or expired family is remembered beyond its last access token. */
const remembered = 3600;

interface FamilyRow extends Record<string, SqlStorageValue> {
  tenant: string;
  family: string;
  user_id: number;
  app_id: number | null;
  scopes: string;
  refresh_hash: string;
  /** Of the current refresh token, seconds. */
  expires: number;
  access_jti: string;
  access_issued: number;
  access_expires: number;
  ended: number;
  /** 1 until the end of the family is in the feed of revocations. */
  unpublished: number;
}

/**
 * One family of refresh tokens (RFC 9700 §4.14.2): the current one and the hashes of those that it replaced, never a token
 * itself. The object runs one call at a time and `rotate` awaits nothing, so of any number of parallel uses exactly one wins.
 *
 * A lost reply: the rotation is durable before its answer leaves, so when the answer is lost the client's old token is used
 * and the new one is known to nobody. Within the grace the old one is refused and the family lives; later it ends the family.
 * The client has to log in again. That is on purpose: to hand the new token out a second time would hand it to a thief too,
 * and nobody could tell the two apart. Nothing that can fail stands between the rotation and the answer (worker/oauth/).
 *
 * The end of a family by reuse reaches the feed of revocations even when the caller dies before it tells: an alarm does it.
 */
export class TokenFamily extends DurableObject<Env> implements TokenFamilyRpc {
  readonly #sql: SqlStorage;

  constructor(state: DurableObjectState, env: Env) {
    super(state, env);
    this.#sql = state.storage.sql;
  }

  async start(family: FamilyStart): Promise<void> {
    this.#createTables();
    this.#sql.exec(
      `INSERT OR IGNORE INTO family (id, tenant, family, user_id, app_id, scopes, refresh_hash, expires, access_jti, access_issued, access_expires)
       VALUES (1, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
      family.tenant,
      family.family,
      family.userId,
      family.appId,
      JSON.stringify(family.scopes),
      family.refreshHash,
      family.expires,
      family.access.jti,
      family.access.issued,
      family.access.expires,
    );
    await this.#forgetAfter(Math.max(family.expires, family.access.expires));
  }

  async look(): Promise<{ owner: FamilyOwner; access: AccessMark } | null> {
    const row = this.#row();
    return row === undefined ? null : { owner: ownerOf(row), access: accessOf(row) };
  }

  async rotate(renewal: Renewal): Promise<Rotation> {
    const rotation = this.ctx.storage.transactionSync(() => this.#rotate(renewal));
    if (rotation.outcome === 'rotated') {
      await this.#forgetAfter(Math.max(renewal.expires, renewal.access.expires));
    } else if (rotation.outcome === 'reused' && this.#row()?.unpublished === 1) {
      await this.ctx.storage.setAlarm(Date.now());
    }
    return rotation;
  }

  #rotate({ presentedHash, nextHash, now, expires, access }: Renewal): Rotation {
    const row = this.#row();
    if (row === undefined) {
      return { outcome: 'unknown' };
    }
    if (row.ended === 1) {
      return { outcome: 'reused', until: row.access_expires };
    }
    if (presentedHash !== row.refresh_hash) {
      return this.#judgeOld(row, presentedHash, now);
    }
    if (row.expires * 1000 <= now) {
      return { outcome: 'unknown' };
    }
    this.#sql.exec('DELETE FROM used WHERE expires * 1000 <= ?', now);
    this.#sql.exec('INSERT INTO used (hash, at, expires) VALUES (?, ?, ?)', row.refresh_hash, now, row.expires);
    this.#sql.exec(
      'UPDATE family SET refresh_hash = ?, expires = ?, access_jti = ?, access_issued = ?, access_expires = ?',
      nextHash,
      expires,
      access.jti,
      access.issued,
      access.expires,
    );
    return { outcome: 'rotated', owner: ownerOf(row), replaced: accessOf(row) };
  }

  /** A token that is not the current one: of a race, of a thief (or his victim), or none of ours. */
  #judgeOld(row: FamilyRow, presentedHash: string, now: number): Rotation {
    const [used] = this.#sql.exec<{ at: number }>('SELECT at FROM used WHERE hash = ?', presentedHash);
    if (used === undefined) {
      return { outcome: 'unknown' };
    }
    if (now - used.at <= grace) {
      return { outcome: 'superseded' };
    }
    this.#sql.exec('UPDATE family SET ended = 1, unpublished = 1');
    return { outcome: 'reused', until: row.access_expires };
  }

  async end(): Promise<number> {
    const row = this.#row();
    if (row === undefined) {
      return 0;
    }
    this.#sql.exec('UPDATE family SET ended = 1');
    await this.#forgetAfter(row.access_expires);
    return row.access_expires;
  }

  /** Tells the feed about an end by reuse, as often as it takes (the platform repeats an alarm that throws); else forgets. */
  override async alarm(): Promise<void> {
    const row = this.#row();
    if (row?.unpublished === 1) {
      await this.ctx.storage.setAlarm(Date.now() + 60_000);
      const until = row.access_expires;
      const entry = { kind: 'family', id: row.family, before: until, until } as const;
      await publisherOf(this.env, row.tenant).revoke(row.tenant, [entry]);
      this.#sql.exec('UPDATE family SET unpublished = 0');
      await this.#forgetAfter(until);
      return;
    }
    const last = row === undefined ? 0 : Math.max(row.access_expires, row.ended === 1 ? 0 : row.expires);
    if ((last + remembered) * 1000 > Date.now()) {
      await this.#forgetAfter(last);
    } else {
      await this.ctx.storage.deleteAll();
    }
  }

  /** Sets the alarm for the end, at a time in seconds since the epoch; an earlier alarm looks and sets it anew. */
  async #forgetAfter(seconds: number): Promise<void> {
    await this.ctx.storage.setAlarm((seconds + remembered) * 1000);
  }

  #createTables(): void {
    this.#sql.exec(
      `CREATE TABLE IF NOT EXISTS family (
         id INTEGER PRIMARY KEY, tenant TEXT NOT NULL, family TEXT NOT NULL, user_id INTEGER NOT NULL, app_id INTEGER,
         scopes TEXT NOT NULL, refresh_hash TEXT NOT NULL, expires INTEGER NOT NULL, access_jti TEXT NOT NULL,
         access_issued INTEGER NOT NULL, access_expires INTEGER NOT NULL, ended INTEGER NOT NULL DEFAULT 0, unpublished INTEGER NOT NULL DEFAULT 0);
       CREATE TABLE IF NOT EXISTS used (hash TEXT PRIMARY KEY, at INTEGER NOT NULL, expires INTEGER NOT NULL) WITHOUT ROWID`,
    );
  }

  /** Undefined for a family that was never started or is forgotten; a look at such an object writes nothing. */
  #row(): FamilyRow | undefined {
    const [table] = this.#sql.exec("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'family'");
    return table === undefined ? undefined : [...this.#sql.exec<FamilyRow>('SELECT * FROM family')][0];
  }
}

function ownerOf(row: FamilyRow): FamilyOwner {
  return { userId: row.user_id, appId: row.app_id, scopes: JSON.parse(row.scopes) };
}

function accessOf(row: FamilyRow): AccessMark {
  return { jti: row.access_jti, issued: row.access_issued, expires: row.access_expires };
}
