import type { Gateway } from '../helpers/gateway.ts';
import type { BindingCall, Fault } from './worker/plan.ts';

const full = process.env.POSTERN_FULL !== undefined;

/** Every mode, or the two that the others come down to. */
const modes: Fault['mode'][] = full ? ['throw', 'lose', 'hang', 'delay', 'twice', 'stale'] : ['throw', 'lose'];
/** Of the calls of a flow every so many fails; each mode begins with another one. */
const step = full ? 1 : 4;
/** Milliseconds: longer than the worker waits for a database; long enough for others to overtake. */
const delays: Partial<Record<Fault['mode'], number>> = { hang: 4_500, delay: 100 };
/** Reads that may be stale: the worker asks D1 itself, never a replica. */
const staleBindings = ['CONTENT', 'caches'];

export interface Sweep<Context, Result> {
  /** A gateway started with `faults: true` and one isolate. */
  gateway: Gateway;
  /** Who calls, as in Fault; everybody unless given. */
  from?: string;
  /** Whose calls, as in Fault; every binding's unless given. */
  binding?: string;
  /** Before each run, with nothing failing: a fresh start, so that runs do not meet. */
  prepare: () => Promise<Context>;
  /** The flow. Whatever a caller would see is its result; it does not throw. */
  run: (context: Context) => Promise<Result>;
  /** After each run, with nothing failing: asserts what must hold. `failed` is null for a run in which nothing failed. */
  check: (context: Context, result: Result, failed: Failed | null) => Promise<void>;
}

export interface Failed {
  mode: Fault['mode'];
  /** Which call of the flow, from 1. */
  nth: number;
  call: BindingCall;
}

/**
 * Runs a flow again and again: its first call of a binding fails, then its second, and so on until it has no such call, in
 * each mode. Gives the calls that failed, so that a test can say that it swept what it meant to.
 */
export async function sweep<Context, Result>(options: Sweep<Context, Result>): Promise<Failed[]> {
  const swept: Failed[] = [];
  for (const [index, mode] of modes.entries()) {
    for (const binding of mode === 'stale' ? staleBindings : [options.binding ?? '*']) {
      for (let nth = 1 + (index % step); ; nth += step) {
        const failed = await once(options, { binding, from: options.from, mode, nth, delay: delays[mode] });
        if (failed === null) {
          break;
        }
        swept.push(failed);
      }
    }
  }
  return swept;
}

async function once<Context, Result>(options: Sweep<Context, Result>, fault: Fault): Promise<Failed | null> {
  const { gateway, prepare, run, check } = options;
  const context = await prepare();
  await gateway.faults.set(fault);
  const result = await run(context);
  const [hit] = (await gateway.faults.state()).hits;
  await gateway.faults.set();
  const failed = hit === undefined ? null : { mode: fault.mode, nth: fault.nth!, call: hit };
  try {
    await check(context, result, failed);
  } catch (error) {
    const where = failed && `${failed.call.binding}.${failed.call.method} (${failed.call.subject.slice(0, 80)})`;
    (error as Error).message += failed ? `\n  when call ${failed.nth}, ${where}, was hit by "${failed.mode}"` : '';
    throw error;
  }
  return failed;
}
