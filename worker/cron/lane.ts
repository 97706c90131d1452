import type { LaneJob, LaneSettings } from '../core/events.ts';
import type { RunRow } from '../resources/cronjob-run.ts';

/** Lanes of a cronjob whose runs may overlap: neighbouring minutes never wait for each other. */
const slots = 16;

/** The lane that a run goes through: the job's own where runs follow each other, else one of sixteen. */
export function laneNumber(job: number, overlap: 'forbid' | 'allow', time: number): number {
  return job * slots + (overlap === 'allow' ? Math.floor(time / 60_000) % slots : 0);
}

/** Every lane that runs of a cronjob may go through. */
export function cronLanes(job: number): number[] {
  return Array.from({ length: slots }, (_, slot) => job * slots + slot);
}

const seconds = 1_000;

/** Tries again what could not begin, or could not write its end down; an action is never run twice. */
export function cronLane(tenant: string, id: number): LaneSettings {
  const schedule = [5, 10, 20, 30, 60, 60, 60, 60, 60].map((wait) => wait * seconds);
  return {
    ...{ tenant, kind: 'cronjob', id, version: 1, active: true, mode: 'push', concurrency: 1 },
    ...{ rate: null, schedule, order: null, patience: null, target: {} },
  };
}

export function jobOf({ id, created }: Pick<RunRow, 'id' | 'created'>): LaneJob {
  return { id: `run_${id}`, name: 'cronjob', payload: String(id), time: created, depth: 0 };
}
