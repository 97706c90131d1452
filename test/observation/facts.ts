import type { CallObservation, FaultObservation, ShownCall } from '../../worker/core/observation.ts';

export const noon = Date.parse('2026-11-21T12:34:56.789Z');

/** What a test says about a call; `log` is whether the log keeps it. */
export type CallFacts = Partial<Omit<CallObservation, 'row'> & ShownCall & { log: boolean }>;

/** A finished call as observeCall describes it. */
export function aCall(over: CallFacts = {}): CallObservation {
  const { ip, userAgent, path, query, headers, body, explain, log = true, ...call } = over;
  const shown: ShownCall = {
    ip: ip ?? '192.0.2.1',
    userAgent: userAgent ?? 'curl/8',
    path: path ?? '/todo',
    query: query ?? '',
    headers: headers === undefined ? { accept: '*/*', 'user-agent': 'curl/8' } : headers,
    body: body ?? null,
    explain: explain ?? null,
  };
  return {
    kind: 'call',
    tenant: '',
    requestId: crypto.randomUUID(),
    at: noon,
    duration: 12,
    upstream: 7,
    revision: 3,
    operationId: 11,
    operationName: 'todo.getAll',
    categoryId: 1,
    appId: 2,
    userId: 5,
    planId: null,
    method: 'GET',
    status: 200,
    errorCode: null,
    errorMessage: null,
    points: 0,
    row: log ? { size: 500 + (body?.length ?? 0), show: () => shown } : null,
    ...call,
  };
}

export function aFault(over: Partial<FaultObservation> = {}): FaultObservation {
  return {
    kind: 'fault',
    tenant: '',
    at: noon,
    place: 'snapshot.check',
    message: 'Network connection lost.',
    trace: null,
    requestId: null,
    ...over,
  };
}
