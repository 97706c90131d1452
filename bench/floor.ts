import { type Case, floor as requests } from './cases.ts';
import { measureCases, medianOf, type Pace } from './measure.ts';
import { startUpstream } from './nginx.ts';
import type { Bench } from './processes.ts';
import { table } from './report.ts';
import { everyStep, type RunningWorker, startForwarder, startLeast } from './workerd.ts';

/**
 * `npm run bench -- floor`: what the parts of the least gateway (least.mjs) cost on this platform, in interleaved runs: each
 * alone, all but each, and all. CPU per request, and as a share of what bare forwarding takes in the same round. Markdown.
 */
export async function measureFloor(bench: Bench, pace: Pace): Promise<string> {
  const upstream = await startUpstream(bench);
  const alone = everyStep.map((step) => [step]);
  const without = everyStep.map((step) => everyStep.filter((other) => other !== step));
  const cases = [caseOf('(a): forwards', await startForwarder(bench, upstream.url))];
  for (const steps of [[], ...alone, ...without, everyStep]) {
    const name = steps.length === everyStep.length ? '(a*): all three' : steps.join(', ') || 'takes the request apart';
    cases.push(caseOf(name, await startLeast(bench, upstream.url, steps)));
  }
  const all = await measureCases(bench, cases, pace);
  const parts = pace.connections.map((connections) => {
    const found = all.filter((measured) => measured.connections === connections);
    const rows = found.map((measured) => [
      measured.it.letter,
      medianOf(measured, ({ cpu }) => cpu).toFixed(0),
      `${medianOf(measured, (it, a) => it.cpu / a.cpu, found[0]).toFixed(2)} ×`,
    ]);
    return [`### ${connections} connections`, '', ...table(['what it does', 'CPU µs', 'of (a)'], rows)].join('\n');
  });
  return parts.join('\n\n');
}

function caseOf(letter: string, target: RunningWorker): Case {
  return { letter, operations: null, place: 'workerd', target, requests };
}
