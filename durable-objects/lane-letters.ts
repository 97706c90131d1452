import type { DeadLetter, LaneSettings, Letters } from '../worker/core/events.ts';

/** Whether the list of dead letters knows of a job: nothing to know; is to be told; knows; is to forget. */
export const letter = { none: 0, untold: 1, told: 2, leaving: 3 } as const;

/** Letters that are told at a time. */
const most = 500;

/** Whose dead jobs are in the list of dead letters. */
export function hasLetters({ kind }: LaneSettings): boolean {
  return kind === 'webhook' || kind === 'trigger';
}

/** What a lane owes to the list of dead letters, until the list has heard it. */
export class LaneLetters {
  readonly #sql: SqlStorage;
  /** Whether there may be something to tell; saves queries. */
  #untold = true;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
  }

  /** A job died, or was brought back. */
  changed(): void {
    this.#untold = true;
  }

  /** What the list is to learn, a part of it; null: nothing. */
  owed(): Letters | null {
    if (!this.#untold) {
      return null;
    }
    const rows = (state: number) =>
      this.#sql
        .exec(
          `SELECT number, id, name, time, attempts, code, error, executed FROM job WHERE letter = ? ORDER BY number LIMIT ${most}`,
          state,
        )
        .toArray() as unknown as DeadLetter[];
    const letters = { dead: rows(letter.untold), revived: rows(letter.leaving).map(({ id }) => id) };
    this.#untold = letters.dead.length + letters.revived.length > 0;
    return this.#untold ? letters : null;
  }

  /** It learnt that. What changed since is told later. */
  keepTold({ dead, revived }: Letters): void {
    this.#sql.exec(
      `UPDATE job SET letter = ${letter.told} WHERE letter = ${letter.untold} AND number IN (SELECT value FROM json_each(?))`,
      JSON.stringify(dead.map(({ number }) => number)),
    );
    this.#sql.exec(
      `UPDATE job SET letter = ${letter.none} WHERE letter = ${letter.leaving} AND id IN (SELECT value FROM json_each(?))`,
      JSON.stringify(revived),
    );
  }
}
