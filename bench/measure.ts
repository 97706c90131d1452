import { baseOf, type Case } from './cases.ts';
import { load, type Sample } from './load.ts';
import type { Bench } from './processes.ts';

/** What the rounds found of a case under so many connections. */
export interface Measured {
  it: Case;
  connections: number;
  /** One a round; a round that failed is missing. */
  samples: (Sample | undefined)[];
}

export interface Pace {
  rounds: number;
  seconds: number;
  connections: number[];
  /** Told how far it is. */
  progress: (text: string) => void;
}

/** Loads all cases in turn, round after round, so that what else the machine does falls on all of them alike. */
export async function measureCases(bench: Bench, cases: Case[], pace: Pace): Promise<Measured[]> {
  const all = cases.flatMap((it) =>
    pace.connections.map((connections): Measured => ({ it, connections, samples: [] })),
  );
  const broken = new Set<Case>();
  for (const it of cases) {
    pace.progress(`warming ${name(it)}`);
    await load(bench, it.target, it.requests, Math.max(...pace.connections), pace.rounds > 1 ? 2 : 1).catch(
      (thrown: Error) => {
        console.error(`Without ${name(it)}: ${thrown.message}`);
        broken.add(it);
      },
    );
  }
  for (let round = 0; round < pace.rounds; round++) {
    for (const measured of all.filter(({ it }) => !broken.has(it))) {
      const { it, connections } = measured;
      pace.progress(`round ${round + 1} of ${pace.rounds}: ${name(it)}, ${connections} connections`);
      measured.samples[round] = await load(bench, it.target, it.requests, connections, pace.seconds).catch(
        (thrown: Error) => {
          console.error(`${name(it)}: ${thrown.message}`);
          return undefined;
        },
      );
    }
  }
  return all.filter(({ it }) => !broken.has(it));
}

function name({ letter, operations, place }: Case): string {
  return `(${letter})${operations === null ? '' : ` at ${operations} operations`} in ${place}`;
}

/** The forwarder's figures that belong to a case's. */
export function baseFor(measured: Measured, all: Measured[]): Measured | undefined {
  const { it, connections } = measured;
  const place = it.place === 'Miniflare' ? 'Miniflare' : 'workerd';
  return all.find(
    (other) => other.it.letter === baseOf(it.letter) && other.it.place === place && other.connections === connections,
  );
}

/** The median over the rounds of what is found in one, or in the same round of two cases. */
export function medianOf(
  measured: Measured,
  find: (sample: Sample, other: Sample) => number,
  other: Measured = measured,
): number {
  const found = measured.samples.flatMap((sample, round) => {
    const beside = other.samples[round];
    return sample === undefined || beside === undefined ? [] : [find(sample, beside)];
  });
  found.sort((a, b) => a - b);
  const middle = found.length >> 1;
  return found.length % 2 === 1 ? found[middle]! : (found[middle - 1]! + found[middle]!) / 2;
}
