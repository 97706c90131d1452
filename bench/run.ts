import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { projectRoot } from '../admin/host/build.ts';
import { openCases, openEmulatedCases } from './cases.ts';
import { measureFloor } from './floor.ts';
import { hasWrk } from './load.ts';
import { measureLogs } from './logs.ts';
import { type Measured, measureCases, type Pace } from './measure.ts';
import { type Footprint, measureFootprint } from './memory.ts';
import { hasNginx } from './nginx.ts';
import { type Bench, openBench } from './processes.ts';
import { measurePublishing } from './publish.ts';
import { type Findings, report } from './report.ts';

const usage = `npm run bench                       everything, about 15 minutes; prints Markdown
npm run bench -- --quick            small counts, to see that it runs
npm run bench -- --write            puts the figures into bench/RESULTS.md
npm run bench -- --sizes 10,1000 --rounds 5 --seconds 2 --connections 1,32 --restarts 10
npm run bench -- floor               what the parts of the least gateway cost
npm run bench -- publish [SIZE …]   what one change of the configuration costs
npm run bench -- logs [ROWS]        what 10 million rows in the log cost, or so many (0.8 GB and half a minute a million)`;

/** `npm run bench`. */
async function main(args: string[]): Promise<void> {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: {
      quick: { type: 'boolean', default: false },
      write: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
      sizes: { type: 'string' },
      connections: { type: 'string' },
      rounds: { type: 'string' },
      seconds: { type: 'string' },
      restarts: { type: 'string' },
    },
  });
  const numbers = (text: string) => text.split(',').map(Number);
  if (positionals[0] === 'publish') {
    const sizes = positionals.slice(1).map(Number);
    return measurePublishing(sizes.length > 0 ? sizes : [10, 1_000, 20_000]);
  }
  if (positionals[0] === 'logs') {
    const text = await withBench((bench) => measureLogs(bench, Number(positionals[1] ?? 10_000_000), progress));
    progress('');
    console.log(text);
    return values.write ? writeFigures(text, 'log figures') : undefined;
  }
  const quick = values.quick;
  const pace: Pace = {
    connections: numbers(values.connections ?? '1,32'),
    rounds: Number(values.rounds ?? (quick ? 1 : 7)),
    seconds: Number(values.seconds ?? (quick ? 1 : 2)),
    progress,
  };
  if (positionals[0] === 'floor') {
    const text = await withBench((bench) => measureFloor(bench, pace));
    progress('');
    console.log(text);
    return values.write ? writeFigures(text, 'floor figures') : undefined;
  }
  if (values.help || positionals.length > 0) {
    console.log(usage);
    return;
  }
  sayWhatIsMissing();
  const findings = await measureAll(
    numbers(values.sizes ?? (quick ? '10,100' : '10,1000,20000')),
    pace,
    Number(values.restarts ?? (quick ? 2 : 20)),
  );
  progress('');
  const text = report(findings);
  console.log(text);
  if (values.write) {
    writeFigures(text);
  }
}

/**
 * One after the other, each with processes of its own: idle ones would hold memory and wake up now and then. A part that fails
 * is left out, aloud.
 */
async function measureAll(sizes: number[], pace: Pace, restarts: number): Promise<Findings> {
  const bare = await part([], async (bench) => measureCases(bench, await openCases(bench, sizes), pace));
  const middle = sizes[sizes.length >> 1]!;
  const emulatedPace = { ...pace, connections: [Math.max(...pace.connections)] };
  const emulated: Measured[] = await part([], async (bench) =>
    measureCases(bench, await openEmulatedCases(bench, middle), emulatedPace),
  );
  const footprints: Footprint[] = [];
  for (const operations of sizes) {
    pace.progress(`memory and first answers at ${operations} operations`);
    footprints.push(...(await part([], async (bench) => [await measureFootprint(bench, operations, restarts)])));
  }
  return { bare, emulated, footprints, rounds: pace.rounds, seconds: pace.seconds };
}

async function part<T>(otherwise: T, work: (bench: Bench) => Promise<T>): Promise<T> {
  try {
    return await withBench(work);
  } catch (thrown) {
    console.error(thrown);
    return otherwise;
  }
}

async function withBench<T>(work: (bench: Bench) => Promise<T>): Promise<T> {
  const bench = openBench();
  const interrupted = () => void bench.stop().finally(() => process.exit(130));
  process.once('SIGINT', interrupted).once('SIGTERM', interrupted);
  try {
    return await work(bench);
  } finally {
    process.off('SIGINT', interrupted).off('SIGTERM', interrupted);
    await bench.stop();
  }
}

function sayWhatIsMissing(): void {
  if (!hasWrk) {
    console.error('wrk is missing (Debian: apt-get install wrk): a generator in Node makes the load, rates are lower.');
  }
  if (!hasNginx) {
    console.error(
      'nginx is missing (Debian: apt-get install nginx-light): the server behind the gateways is Node, and there is no (g).',
    );
  }
}

function progress(text: string): void {
  if (process.stderr.isTTY) {
    process.stderr.write(`\r\x1b[K${text}`);
  }
}

/** The prose of RESULTS.md is kept, the figures between the marks are replaced. */
function writeFigures(text: string, name = 'figures'): void {
  const [from, to] = [`<!-- ${name} -->`, `<!-- end of ${name} -->`];
  const file = join(projectRoot, 'bench/RESULTS.md');
  const before = readFileSync(file, 'utf8');
  const [start, end] = [before.indexOf(from), before.indexOf(to)];
  if (start === -1 || end < start) {
    throw new Error(`bench/RESULTS.md has lost its marks ${from} and ${to}`);
  }
  writeFileSync(file, `${before.slice(0, start + from.length)}\n\n${text}\n\n${before.slice(end)}`);
}

await main(process.argv.slice(2));
