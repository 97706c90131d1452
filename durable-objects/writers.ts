import { ApiError } from '../worker/core/errors.ts';
import type { CommitRequest, CommitResult, Outcome } from '../worker/core/ports.ts';

/** Requests that share a revision at most. */
const mostTogether = 100;
/**
 * Longest wait of a writer for its turn, milliseconds: then it is told that nothing was changed. Who asked waits longer
 * (worker/snapshot/current.ts), so that it hears so.
 */
const turnPatience = 20_000;
/**
 * Milliseconds that the first to come after a shared revision waits at most for as many as shared that; no longer than half of
 * what it took, and not at all when it was long ago.
 */
const gatherPatience = 100;
const recent = 2_000;

interface Waiting {
  request: CommitRequest;
  since: number;
  settle(outcome: Outcome<CommitResult>): void;
}

/** What goes into one revision, and what is known when it was made. */
export interface Turn {
  requests: CommitRequest[];
  settle(index: number, outcome: Outcome<CommitResult>): void;
}

/**
 * Writers that wait for their turn at a tenant's configuration. Many share a revision: those that were answered together come
 * back together, one by one, so the next revision waits for them a little; a writer alone waits for nobody.
 */
export class Writers {
  #waiting: Waiting[] = [];
  /** How many shared one of the last two revisions, what the last took (milliseconds) and when it ended. */
  #last = { writers: 0, took: 0, ended: 0 };
  #shared = 0;

  get size(): number {
    return this.#waiting.length;
  }

  add(request: CommitRequest): Promise<Outcome<CommitResult>> {
    return new Promise((settle) => {
      this.#waiting.push({ request, since: Date.now(), settle });
    });
  }

  /**
   * Takes the first and all others that may go with it: of one actor, in their order. A plan goes alone, for it is undone.
   * Somebody has to wait.
   */
  async turn(make: (turn: Turn) => Promise<void>): Promise<void> {
    await this.#gather();
    const { request } = this.#waiting[0]!;
    const together = this.#waiting.filter((other, at) => at === 0 || (!request.plan && goWith(request, other.request)));
    const taken = together.slice(0, mostTogether);
    this.#waiting = this.#waiting.filter((waiting) => !taken.includes(waiting));
    const began = Date.now();
    await make({
      requests: taken.map(({ request }) => request),
      settle: (index, outcome) => taken[index]!.settle(outcome),
    });
    const ended = Date.now();
    this.#last = { writers: Math.max(taken.length, this.#shared), took: ended - began, ended };
    this.#shared = taken.length;
  }

  async #gather(): Promise<void> {
    const { writers, took, ended } = this.#last;
    const patience = Math.abs(this.#waiting[0]!.since - ended) < recent ? Math.min(gatherPatience, took / 2) : 0;
    const began = Date.now();
    while (this.#waiting.length < writers && Date.now() - began < patience) {
      await scheduler.wait(5);
    }
  }

  /** Tells those who waited too long for their turn, or for whom `hopeless` has an error, that nothing was changed. */
  refuse(hopeless: (since: number) => ApiError | null): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const one of waiting) {
      const error = hopeless(one.since) ?? (Date.now() - one.since > turnPatience ? busy() : null);
      error === null ? this.#waiting.push(one) : one.settle({ ok: false, error: error.toPlain() });
    }
  }
}

function goWith(first: CommitRequest, other: CommitRequest): boolean {
  return (
    !other.plan &&
    other.tenant === first.tenant &&
    other.actor.userId === first.actor.userId &&
    other.actor.appId === first.actor.appId &&
    other.actor.ip === first.actor.ip &&
    String(other.actor.scopes) === String(first.actor.scopes)
  );
}

function busy(): ApiError {
  return new ApiError('unavailable', 'Other changes are being made; nothing was changed', {
    headers: { 'Retry-After': '2' },
  });
}
