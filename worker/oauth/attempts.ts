import { createHash } from 'node:crypto';
import type { AttemptPolicy, LimiterRpc } from '../core/ports.ts';
import { limitKey } from '../lib/client-address.ts';
import { within } from '../lib/deadline.ts';
import type { OAuthContext } from './context.ts';
import { OAuthError } from './errors.ts';

/** Guesses at one account: at most 20 in the first hour, then four an hour, however many clients share the work. */
const perAccount: AttemptPolicy = { free: 10, first: 4, longest: 900, memory: 3600 };

/** Failures of one address over all accounts; many people may sit behind it. */
const perAddress: AttemptPolicy = { free: 100, first: 1, longest: 900, memory: 3600 };

/** Longest wait for a guard, milliseconds: two of them are asked one after the other. */
const patience = 2_000;

/**
 * One attempt to log in. Each guard counts it as failed before the password is looked at, so that neither parallel requests
 * nor a crash gain a guess; `succeeded` takes that back. Throws OAuthError `slow_down`, or `temporarily_unavailable` when a
 * guard cannot be asked: without it nobody is let in.
 */
export interface Attempt {
  /** Counts the account, known or not: who asks cannot tell the difference. */
  account(user: { id: number } | null, login: string): Promise<void>;
  succeeded(): Promise<void>;
}

export async function openAttempt(context: OAuthContext): Promise<Attempt> {
  const { tenant, ip } = context;
  const { LIMITER } = context.runtime.env;
  const taken: { guard: LimiterRpc; forget: 'one' | 'all' }[] = [];
  const take = async (name: string, policy: AttemptPolicy, forget: 'one' | 'all') => {
    const guard = LIMITER.getByName(`login:${tenant}:${name}`);
    const verdict = await within(patience, 'The limiter', () => guard.attempt(policy)).catch((cause: unknown) => {
      throw new OAuthError('temporarily_unavailable', undefined, { retryAfter: 1, cause });
    });
    if (!verdict.allowed) {
      throw new OAuthError('slow_down', undefined, { retryAfter: verdict.retryAfter });
    }
    taken.push({ guard, forget });
  };
  if (!isLoopback(ip)) {
    await take(`address:${limitKey(ip)}`, perAddress, 'one');
  }
  return {
    account: (user, login) => take(user === null ? `name:${digest(login)}` : `user:${user.id}`, perAccount, 'all'),
    async succeeded() {
      const results = await Promise.allSettled(
        taken.map(({ guard, forget }) => within(patience, 'The limiter', () => guard.succeed(forget))),
      );
      for (const result of results) {
        if (result.status === 'rejected') {
          // The attempt stays counted as a failure: a nuisance later, no danger now.
          context.runtime.report('login.succeeded', result.reason);
        }
      }
    },
  };
}

/** Callers of the machine itself, whom no automatic ban ever hits. */
function isLoopback(ip: string): boolean {
  return ip === '' || ip === '::1' || ip.startsWith('127.');
}

function digest(login: string): string {
  return createHash('sha256').update(login).digest('hex').slice(0, 32);
}
