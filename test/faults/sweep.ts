import type { Gateway } from '../helpers/gateway.ts';
import type { BindingCall, Fault } from './worker/plan.ts';

export interface Sweep<Context, Result> {
  /** A gateway started with `faults: true` and one isolate. */
  gateway: Gateway;
  /** `throw` and `lose` unless given. */
  modes?: Fault['mode'][];
  /** Which calls may fail; all unless given. */
  binding?: string;
  /** Before each run, with nothing failing: a fresh start, so that runs do not meet. */
  prepare: () => Promise<Context>;
  /** The flow. Whatever a caller would see is its result; it does not throw. */
  run: (context: Context) => Promise<Result>;
  /** After each run, with nothing failing: asserts what must hold. `failed` is null for the run in which nothing failed. */
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
  const { gateway, binding = '*' } = options;
  const swept: Failed[] = [];
  for (const mode of options.modes ?? (['throw', 'lose'] as const)) {
    for (let nth = 1; ; nth += 1) {
      const context = await options.prepare();
      await gateway.faults.set({ binding, mode, nth });
      const result = await options.run(context);
      const { happened, calls } = await gateway.faults.state();
      await gateway.faults.set();
      const failed =
        happened[0] === 0
          ? null
          : { mode, nth, call: calls.filter((call) => binding === '*' || call.binding === binding)[nth - 1]! };
      try {
        await options.check(context, result, failed);
      } catch (error) {
        const where = failed && `${failed.call.binding}.${failed.call.method} (${failed.call.subject.slice(0, 80)})`;
        (error as Error).message += failed ? `\n  when call ${nth}, ${where}, was hit by "${mode}"` : '';
        throw error;
      }
      if (failed === null) {
        break;
      }
      swept.push(failed);
    }
  }
  return swept;
}
