import { openPostern } from './cases.ts';
import { operationPaths, withOrder } from './configuration.ts';
import { heapAfterCollection, openInspector } from './inspector.ts';
import { load, type Requests } from './load.ts';
import { startUpstream } from './nginx.ts';
import type { Bench } from './processes.ts';

/** What an isolate holds, and how long a new one takes to its first answer. */
export interface Footprint {
  operations: number;
  /** MB of JavaScript heap after a collection: of an isolate that has served one call, and after calls of every operation. */
  heapCold: number;
  heapWarm: number;
  /** Milliseconds from a request to the first answer of a new isolate, and of the calls after it. */
  first: { p50: number; p90: number };
  next: { p50: number; p90: number };
}

/** Measures a Postern in bare workerd that is started anew so many times. */
export async function measureFootprint(bench: Bench, operations: number, restarts: number): Promise<Footprint> {
  const upstream = await startUpstream(bench);
  const { worker, requests } = await openPostern(bench, upstream.url, operations, true);
  const first: number[] = [];
  const next: number[] = [];
  for (let run = 0; run < restarts; run++) {
    await worker.restart();
    const paths = requests.open.paths;
    first.push(await timed(worker.url + paths[run % paths.length]!));
    for (let more = 1; more <= 20; more++) {
      next.push(await timed(worker.url + paths[(run + more) % paths.length]!));
    }
  }
  const heap = async () => {
    const inspector = await openInspector(worker.inspector!);
    const bytes = await heapAfterCollection(inspector);
    inspector.close();
    return bytes / 1e6;
  };
  await worker.restart();
  await timed(worker.url + requests.open.paths[0]!);
  const heapCold = await heap();
  for (const every of everyOperation(operations, requests.leased)) {
    // Some may be refused while everything is loaded at once; the memory is what counts here.
    await load(bench, worker, every, 16, Math.ceil(every.paths.length / 1000) + 1).catch((thrown: Error) =>
      console.error(thrown.message),
    );
  }
  const heapWarm = await heap();
  return { operations, heapCold, heapWarm, first: quantiles(first), next: quantiles(next) };
}

function everyOperation(operations: number, { headers }: Requests): Requests[] {
  const paths = operationPaths(operations);
  const of = (kind: string) => paths.filter((path) => path.split('/')[2]!.startsWith(kind));
  return [
    { method: 'GET', paths: of('open') },
    { method: 'GET', paths: of('protected'), headers },
    withOrder(of('validated')),
  ];
}

async function timed(url: string): Promise<number> {
  const started = performance.now();
  const response = await fetch(url);
  await response.arrayBuffer();
  if (!response.ok) {
    throw new Error(`${url} answered ${response.status}`);
  }
  return performance.now() - started;
}

function quantiles(times: number[]) {
  const sorted = times.toSorted((a, b) => a - b);
  const at = (share: number) => sorted[Math.floor((sorted.length - 1) * share)]!;
  return { p50: at(0.5), p90: at(0.9) };
}
