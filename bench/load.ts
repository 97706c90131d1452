import { execFile } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { type Load, loadFromNode } from './load-node.ts';
import { type Bench, cpuOf, isInstalled } from './processes.ts';

/** Requests that a case sends in turn, over and over. */
export interface Requests {
  method: string;
  paths: string[];
  headers?: Record<string, string>;
  body?: string;
}

/** What one run of the load found. */
export interface Sample {
  /** Requests per second. */
  rate: number;
  /** CPU of the measured process per request, microseconds. */
  cpu: number;
  /** Milliseconds. */
  p50: number;
  p90: number;
}

const run = promisify(execFile);

/** Whether wrk makes the load; a generator in Node does where it is missing. */
export const hasWrk = isInstalled('wrk', '-v');

/** Loads a server for some seconds over kept connections. Throws unless every answer is 2xx. */
export async function load(
  bench: Bench,
  target: { url: string; pid: number },
  requests: Requests,
  connections: number,
  seconds: number,
): Promise<Sample> {
  const before = cpuOf(target.pid);
  const found = hasWrk
    ? await loadFromWrk(bench, target.url, requests, connections, seconds)
    : await loadFromNode(target.url, requests, connections, seconds);
  const cpu = cpuOf(target.pid) - before;
  if (found.bad > 0 || found.requests === 0) {
    throw new Error(`${found.bad} of ${found.requests} requests to ${target.url}${requests.paths[0]} failed`);
  }
  return { rate: found.requests / found.duration, cpu: cpu / found.requests, p50: found.p50, p90: found.p90 };
}

async function loadFromWrk(
  bench: Bench,
  url: string,
  requests: Requests,
  connections: number,
  seconds: number,
): Promise<Load> {
  const script = join(bench.folder, 'load.lua');
  writeFileSync(script, lua(requests));
  const pace = ['-t1', `-c${connections}`, `-d${seconds}s`, '--timeout', '20s'];
  const { stdout } = await run('wrk', [...pace, '-s', script, url]);
  return JSON.parse(stdout.slice(stdout.lastIndexOf('{'))) as Load;
}

/** wrk's script: requests are formatted once, so that the generator costs little beside what it measures. */
function lua({ method, paths, headers = {}, body }: Requests): string {
  const text = (value: string) => `[==[${value}]==]`;
  return `
wrk.method = ${text(method)}
${Object.entries(headers)
  .map(([name, value]) => `wrk.headers[ ${text(name)} ] = ${text(value)}`)
  .join('\n')}
${body === undefined ? '' : `wrk.body = ${text(body)}`}
local requests = {}
local at = 0
function init()
  for path in (${text(paths.join('\n'))}):gmatch("[^\\n]+") do
    requests[#requests + 1] = wrk.format(nil, path)
  end
end
function request()
  at = at % #requests + 1
  return requests[at]
end
function done(summary, latency)
  local errors = summary.errors
  io.write(string.format('{"requests":%d,"duration":%f,"bad":%d,"p50":%f,"p90":%f}',
    summary.requests, summary.duration / 1e6, errors.connect + errors.read + errors.write + errors.status + errors.timeout,
    latency:percentile(50) / 1e3, latency:percentile(90) / 1e3))
end
`;
}
