import { ApiError } from '../../core/errors.ts';
import { jobStatus } from '../../core/events.ts';
import { laneOf, runShards } from '../../core/lane-of.ts';
import type { SystemOperation } from '../../core/system-operation.ts';

const states: Record<number, string> = {
  [jobStatus.waiting]: 'pending',
  [jobStatus.done]: 'done',
  [jobStatus.dead]: 'failed',
};

/** How the run of an async action goes. Seen by who started it alone. */
export const runOperation: SystemOperation = {
  name: 'system.run.get',
  method: 'GET',
  path: '/system/run/:run_id',
  description: 'Returns how a request that was queued for execution (202) is going, and its answer',
  scope: null,
  async run(call, input) {
    const id = String(input.path.run_id);
    const [, shard] = /^run_(\d{1,2})_[0-9a-f]{32}$/.exec(id) ?? [];
    if (shard === undefined || Number(shard) >= runShards) {
      throw new ApiError('not_found', 'Could not find run');
    }
    const lane = laneOf(call.runtime.env, { tenant: call.tenant, kind: 'run', id: Number(shard) });
    const { jobs } = await lane.list({ ids: [id] }, 0, 1);
    const [job] = jobs;
    if (job === undefined || JSON.parse(job.payload).caller.userId !== call.caller.userId) {
      throw new ApiError('not_found', 'Could not find run');
    }
    const last = job.history.at(-1);
    return {
      id,
      action: job.name,
      status: states[job.status],
      attempts: job.attempts,
      date: new Date(job.time).toISOString(),
      ...(job.executed === null ? {} : { executeDate: new Date(job.executed).toISOString() }),
      ...(job.next === null ? {} : { nextDate: new Date(job.next).toISOString() }),
      ...(job.code === null ? {} : { code: job.code }),
      ...(job.error === null ? {} : { error: job.error }),
      ...(last?.answer == null ? {} : { answer: parsed(last.answer) }),
    };
  },
};

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
