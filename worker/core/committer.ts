import type { Actor, ChangeResult, CommitRequest, Outcome, RuleEntry } from './ports.ts';

/** Where the publisher's pointer stands: the newest revision and the hash of its manifest. */
export interface Pointer {
  revision: number;
  manifest: string;
}

/** Where a publish left the configuration. */
export interface Committed {
  pointer: Pointer;
  /** Hashes of content that the content store did not take in time: it is to be offered again. */
  unoffered: string[];
}

/** What the Publisher object asks of the room that computes and stores revisions (worker/snapshot/commit.ts). */
export interface Committer {
  /** The newest revision in the database; null when the tenant has none. */
  newest(tenant: string): Promise<Pointer | null>;
  /** Makes the first revision of a tenant: the seeded rows. */
  seed(tenant: string): Promise<Committed>;
  /** Applies requests one after the other as one new revision; each has its own outcome. Nothing is written when none changes anything. */
  commit(
    from: Pointer,
    requests: readonly CommitRequest[],
  ): Promise<Committed & { outcomes: Outcome<ChangeResult[]>[] }>;
  rollback(
    from: Pointer,
    tenant: string,
    to: number,
    actor: Actor,
    plan: boolean,
  ): Promise<Committed & { outcome: Outcome<ChangeResult[]> }>;
  /** The firewall's rules that hold. */
  rules(tenant: string): Promise<RuleEntry[]>;
  /** Deletes revisions and content that are past keeping. */
  collect(tenant: string, pointer: Pointer): Promise<void>;
  /** Hashes of the content that revisions after this one wrote. */
  writtenSince(tenant: string, revision: number): Promise<string[]>;
  /** Offers content to the content store again. Gives the hashes that are still to be offered. */
  offer(tenant: string, hashes: readonly string[]): Promise<string[]>;
}
