import { DatabaseSync } from 'node:sqlite';
import fc from 'fast-check';
import { describe, expect, test, vi } from 'vitest';
import type { FeedEntry, Renewal } from '../../worker/core/ports.ts';
import type { Env } from '../../worker/env.ts';

// The object of a family of refresh tokens, whole, on SQLite in memory and a clock of its own: clients and thieves present
// tokens of any age, replies get lost, the object crashes, the feed is out of reach.

vi.mock('cloudflare:workers', () => ({
  DurableObject: class {
    readonly ctx: unknown;
    readonly env: unknown;
    constructor(ctx: unknown, env: unknown) {
      this.ctx = ctx;
      this.env = env;
    }
  },
}));

const { TokenFamily } = await import('../../durable-objects/token-family.ts');

const runs = process.env.POSTERN_FULL ? 3_000 : 200;
const grace = 10_000;
const tokenLife = 3_600;
const accessLife = 600;

vi.setConfig({ testTimeout: 300_000 });

/** What may happen. A token is presented by its number: 0 is the newest, 1 the one before, … */
const step = fc.oneof(
  { weight: 6, arbitrary: fc.record({ kind: fc.constant('present' as const), back: fc.nat(4) }) },
  {
    weight: 3,
    arbitrary: fc.record({ kind: fc.constant('pass' as const), seconds: fc.constantFrom(1, 8, 11, 500, 3_700) }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('forge' as const) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('crash' as const) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('feed' as const), reachable: fc.boolean() }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('alarm' as const) }) },
);
type Step = typeof step extends fc.Arbitrary<infer One> ? One : never;

/** One family with its storage, which survives crashes. */
class World {
  now = 1_790_000_000_000;
  reachable = true;
  readonly fed: FeedEntry[] = [];
  /** Every token that was ever handed out, the newest last, and when it was used. */
  readonly tokens: { hash: string; expires: number; used: number | null }[] = [];
  ended = false;
  readonly #database = new DatabaseSync(':memory:');
  #alarm: number | null = null;
  #object = this.#boot();

  #boot() {
    const storage = {
      sql: {
        exec: (text: string, ...values: (string | number | null)[]) => {
          if (values.length === 0 && text.includes(';')) {
            this.#database.exec(text);
            return [];
          }
          return this.#database.prepare(text).all(...values);
        },
      },
      transactionSync: <T>(run: () => T) => run(),
      setAlarm: async (time: number) => void (this.#alarm = time),
      deleteAlarm: async () => void (this.#alarm = null),
      deleteAll: async () => this.#database.exec('DROP TABLE family; DROP TABLE used'),
    };
    const publisher = {
      revoke: async (_tenant: string, entries: FeedEntry[]) => {
        if (!this.reachable) {
          throw new Error('Network connection lost.');
        }
        this.fed.push(...entries);
      },
    };
    const env = { PUBLISHER: { getByName: () => publisher } } as unknown as Env;
    return new TokenFamily({ storage } as unknown as DurableObjectState, env);
  }

  async start(): Promise<void> {
    const { nextHash, now: _now, presentedHash: _presented, ...first } = this.#renewal('');
    await this.#object.start({
      tenant: '',
      family: 'family',
      userId: 1,
      appId: null,
      scopes: ['authorization'],
      refreshHash: nextHash,
      ...first,
    });
    this.tokens.push({ hash: nextHash, expires: first.expires, used: null });
  }

  /** The world makes one step; its promises are judged as it goes. */
  async run(one: Step): Promise<void> {
    vi.setSystemTime(this.now);
    switch (one.kind) {
      case 'present':
        return this.#present(Math.max(0, this.tokens.length - 1 - one.back));
      case 'forge': {
        const { outcome } = await this.#object.rotate(this.#renewal('forged'));
        expect(outcome).not.toBe('rotated');
        return;
      }
      case 'pass':
        this.now += one.seconds * 1_000;
        return;
      case 'crash':
        this.#object = this.#boot();
        return;
      case 'feed':
        this.reachable = one.reachable;
        return;
      case 'alarm':
        return this.fireAlarm();
    }
  }

  async fireAlarm(): Promise<void> {
    if (this.#alarm !== null) {
      await this.#object.alarm().catch(() => undefined);
    }
  }

  async #present(index: number): Promise<void> {
    const token = this.tokens[index]!;
    const newest = index === this.tokens.length - 1;
    const renewal = this.#renewal(token.hash);
    const { outcome } = await this.#object.rotate(renewal);
    if (outcome === 'rotated') {
      expect({ newest, ended: this.ended, used: token.used, alive: token.expires * 1_000 > this.now }).toEqual({
        newest: true,
        ended: false,
        used: null,
        alive: true,
      });
      token.used = this.now;
      this.tokens.push({ hash: renewal.nextHash, expires: renewal.expires, used: null });
      return;
    }
    const good = newest && !this.ended && token.expires * 1_000 > this.now;
    expect(good, `the good token was answered ${outcome}`).toBe(false);
    if (outcome === 'superseded') {
      expect(this.now - token.used!).toBeLessThanOrEqual(grace);
    }
    if (outcome === 'reused') {
      // Who presents a used token after the grace ends the family; afterwards everything is answered so.
      expect(this.ended || this.now - token.used! > grace).toBe(true);
      this.ended = true;
    }
    if (token.used !== null && !this.ended && token.expires * 1_000 > this.now) {
      expect(outcome).toBe('superseded');
    }
  }

  #renewal(presentedHash: string): Renewal {
    const now = Math.floor(this.now / 1_000);
    const serial = this.tokens.length;
    return {
      presentedHash,
      nextHash: `token-${serial}`,
      now: this.now,
      expires: now + tokenLife,
      access: { jti: `access-${serial}`, issued: now, expires: now + accessLife },
    };
  }
}

describe('a family of refresh tokens', () => {
  test('has one good token at most, ends by reuse for good, and tells the feed, whatever crashes and gets lost', async () => {
    let ended = 0;
    vi.useFakeTimers({ toFake: ['Date'] });
    try {
      await fc.assert(
        fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 60 }), async (steps) => {
          const world = new World();
          vi.setSystemTime(world.now);
          await world.start();
          for (const one of steps) {
            await world.run(one);
          }
          if (world.ended) {
            ended += 1;
            // However long the feed was out of reach: the alarm comes again until it was told.
            world.reachable = true;
            await world.fireAlarm();
            expect(world.fed).toContainEqual(expect.objectContaining({ kind: 'family', id: 'family' }));
          }
        }),
        { numRuns: runs },
      );
    } finally {
      vi.useRealTimers();
    }
    expect(ended).toBeGreaterThan(runs / 10);
  });
});
