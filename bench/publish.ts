import { type Gateway, startGateway } from '../test/helpers/gateway.ts';
import { deployParts, madePath, madeUpApi } from '../test/helpers/made-up-api.ts';
import { type Management, manage } from '../test/helpers/management.ts';
import { heapAfterCollection, openInspector } from './inspector.ts';
import { childrenOf, cpuOf, freePort } from './processes.ts';

const changes = 20;
const together = 250;
/** Changes by 25 writers, as fast as they come, with so many calls a second to the other isolate. */
const beside = 1_000;
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
  calls: number;
  failedCalls: number;
  /** MB of JavaScript heap after a collection, before and after those changes: of the isolate with the publisher, and of the called one. */
  heapOfPublisher: string;
  heapOfCalled: string;
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
  const inspector = await freePort();
  const gateway = await startGateway({ faults: true, isolates: 3, inspector });
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
      ...(await withCalls(gateway, admin, operations, inspector)),
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

async function withCalls(gateway: Gateway, admin: Management, operations: number, inspector: number) {
  let failedCalls = 0;
  let refused = 0;
  const call = async () => {
    const path = madePath(Math.floor(Math.random() * operations), '1');
    const response = await gateway.fetch(path, { isolate: 2 }).catch(() => null);
    await response?.arrayBuffer();
    failedCalls += response?.status === 200 ? 0 : 1;
  };
  await call();
  // The book of calls is no part of what an isolate holds.
  await gateway.faults.set();
  const before = await heaps(gateway, inspector);
  const calls: Promise<void>[] = [];
  const timer = setInterval(() => calls.push(call()), 1_000 / callsBeside);
  const cpu = cpuOfRuntime();
  const started = performance.now();
  let next = 0;
  const writer = async () => {
    while (next < beside) {
      const at = next++;
      const path = `/backend/operation/~made.op${Math.floor((at * operations) / beside)}`;
      const { status } = await admin.call('PUT', path, { description: `Beside calls ${at}` });
      refused += status === 200 ? 0 : 1;
    }
  };
  await Promise.all(Array.from({ length: 25 }, writer));
  const seconds = (performance.now() - started) / 1_000;
  const used = cpuOfRuntime() - cpu;
  clearInterval(timer);
  await Promise.all(calls);
  await gateway.faults.set();
  const after = await heaps(gateway, inspector);
  return {
    perSecondWithCalls: Math.round((beside - refused) / seconds),
    cpuWithCalls: round(used / 1_000 / beside),
    calls: calls.length,
    failedCalls,
    refused,
    heapOfPublisher: `${before.publisher} → ${after.publisher}`,
    heapOfCalled: `${before.called} → ${after.called}`,
  };
}

async function heaps(gateway: Gateway, port: number) {
  // An isolate without requests may leave DevTools waiting.
  const awake = setInterval(
    () => void [0, 2].map((isolate) => gateway.fetch('/system/health', { isolate }).catch(() => null)),
    200,
  );
  const of = async (name: string) => {
    const session = await openInspector(port, name);
    const bytes = await heapAfterCollection(session);
    session.close();
    return round(bytes / 1e6);
  };
  try {
    return { publisher: await of('core:user:postern'), called: await of('core:user:postern-2') };
  } finally {
    clearInterval(awake);
  }
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
