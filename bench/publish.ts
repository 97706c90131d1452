import { type Gateway, startGateway } from '../test/helpers/gateway.ts';
import { deployParts, madePath, madeUpApi } from '../test/helpers/made-up-api.ts';
import { type Management, manage } from '../test/helpers/management.ts';
import { childrenOf, cpuOf } from './processes.ts';

const changes = 20;
const together = 250;
/** Calls a second that go to the other isolate while changes come as fast as 25 writers make them. */
const callsBeside = 60;

interface Figures {
  operations: number;
  deploySeconds: number;
  /** Of one change, medians. */
  milliseconds: number;
  statements: number;
  d1Calls: number;
  kvWrites: number;
  contents: number;
  bytes: number;
  /** Changes a second when many writers come at once. */
  perSecond: number;
  /** Revisions that they shared, and what a change took of the runtime's CPU, milliseconds. */
  revisions: number;
  cpu: number;
  /** The same with calls beside them, and what a change takes of the runtime's CPU, milliseconds, those calls included. */
  perSecondWithCalls: number;
  cpuWithCalls: number;
  failedCalls: number;
  /** Changes that were answered with 503 for want of time. */
  refused: number;
  /** The first answer of an isolate that has nothing, and what it read for it. */
  coldMilliseconds: number;
  coldKvReads: number;
}

/**
 * Prints what one change costs, by the number of operations. The worker's test entry keeps the book of all calls of bindings;
 * what a revision wrote is read from the database.
 */
export async function measurePublishing(sizes: number[]): Promise<void> {
  const table: Figures[] = [];
  for (const operations of sizes) {
    table.push(await measure(operations));
  }
  console.table(table);
}

async function measure(operations: number): Promise<Figures> {
  const gateway = await startGateway({ faults: true, isolates: 3 });
  try {
    const admin = await manage(gateway);
    const started = performance.now();
    await deployParts(gateway, admin, madeUpApi(operations));
    const deploySeconds = round((performance.now() - started) / 1_000);
    await admin.must('PUT', '/backend/operation/~made.op0', { description: 'warm' });
    const single = await oneByOne(gateway, admin, operations);
    return {
      operations,
      deploySeconds,
      ...single,
      ...(await atOnce(gateway, admin, operations)),
      ...(await withCalls(gateway, admin, operations)),
      ...(await cold(gateway)),
    };
  } finally {
    await gateway.stop();
  }
}

async function oneByOne(gateway: Gateway, admin: Management, operations: number) {
  const runs: Record<string, number>[] = [];
  for (let run = 0; run < changes; run++) {
    await gateway.faults.set();
    const started = performance.now();
    const number = Math.floor((run * operations) / changes);
    await admin.must('PUT', `/backend/operation/~made.op${number}`, { description: `Changed ${run}` });
    const milliseconds = performance.now() - started;
    const { calls } = await gateway.faults.state();
    const ours = calls.filter(({ from }) => from === 'Publisher');
    const d1 = ours.filter(({ binding }) => binding === 'DB');
    const written = await gateway.DB.prepare(
      'SELECT count(*) AS contents, sum(length(body)) AS bytes FROM content WHERE revision = (SELECT max(number) FROM revision)',
    ).first<{ contents: number; bytes: number }>();
    runs.push({
      milliseconds: round(milliseconds),
      statements: d1.reduce(
        (sum, { method, subject }) => sum + (method === 'batch' ? subject.split(';\n').length : 1),
        0,
      ),
      d1Calls: d1.length,
      kvWrites: ours.filter(({ binding, method }) => binding === 'CONTENT' && method === 'put').length,
      ...written!,
    });
  }
  const middle = (name: string) => runs.map((run) => run[name]!).sort((a, b) => a - b)[changes / 2]!;
  return {
    milliseconds: middle('milliseconds'),
    statements: middle('statements'),
    d1Calls: middle('d1Calls'),
    kvWrites: middle('kvWrites'),
    contents: middle('contents'),
    bytes: middle('bytes'),
  };
}

async function atOnce(gateway: Gateway, admin: Management, operations: number) {
  const revision = () => gateway.DB.prepare('SELECT max(number) AS number FROM revision').first<number>('number');
  const before = (await revision())!;
  const cpu = cpuOfRuntime();
  const started = performance.now();
  await Promise.all(
    Array.from({ length: together }, (_, at) =>
      admin.must('PUT', `/backend/operation/~made.op${Math.floor((at * operations) / together)}`, {
        description: `At once ${at}`,
      }),
    ),
  );
  const seconds = (performance.now() - started) / 1_000;
  const used = cpuOfRuntime() - cpu;
  return {
    perSecond: Math.round(together / seconds),
    revisions: (await revision())! - before,
    cpu: round(used / 1_000 / together),
  };
}

async function withCalls(gateway: Gateway, admin: Management, operations: number) {
  let failedCalls = 0;
  let refused = 0;
  const call = async () => {
    const path = madePath(Math.floor(Math.random() * operations), '1');
    const response = await gateway.fetch(path, { isolate: 2 }).catch(() => null);
    await response?.arrayBuffer();
    failedCalls += response?.status === 200 ? 0 : 1;
  };
  await call();
  const calls: Promise<void>[] = [];
  const timer = setInterval(() => calls.push(call()), 1_000 / callsBeside);
  const cpu = cpuOfRuntime();
  const started = performance.now();
  let next = 0;
  const writer = async () => {
    while (next < together) {
      const at = next++;
      const path = `/backend/operation/~made.op${Math.floor((at * operations) / together)}`;
      const { status } = await admin.call('PUT', path, { description: `Beside calls ${at}` });
      refused += status === 200 ? 0 : 1;
    }
  };
  await Promise.all(Array.from({ length: 25 }, writer));
  const seconds = (performance.now() - started) / 1_000;
  clearInterval(timer);
  await Promise.all(calls);
  return {
    perSecondWithCalls: Math.round((together - refused) / seconds),
    cpuWithCalls: round((cpuOfRuntime() - cpu) / 1_000 / together),
    failedCalls,
    refused,
  };
}

/** Microseconds of CPU that the runtimes below this process have used. */
function cpuOfRuntime(): number {
  return childrenOf(process.pid).reduce((sum, pid) => sum + cpuOf(pid), 0);
}

async function cold(gateway: Gateway) {
  await gateway.faults.set();
  const started = performance.now();
  const response = await gateway.fetch(madePath(0, '1'), { isolate: 1 });
  const coldMilliseconds = round(performance.now() - started);
  if (response.status !== 200) {
    throw new Error(`A cold isolate answered ${response.status}: ${await response.text()}`);
  }
  const { counts } = await gateway.faults.state(1);
  return { coldMilliseconds, coldKvReads: counts['CONTENT.get'] ?? 0 };
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
