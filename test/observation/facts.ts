import type { CallObservation, FaultObservation } from '../../worker/core/observation.ts';

export const noon = Date.parse('2026-11-21T12:34:56.789Z');

/** A finished call as observeCall describes it. */
export function aCall(over: Partial<CallObservation> = {}): CallObservation {
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
    ip: '192.0.2.1',
    userAgent: 'curl/8',
    method: 'GET',
    path: '/todo',
    query: '',
    status: 200,
    errorCode: null,
    errorMessage: null,
    headers: { accept: '*/*', 'user-agent': 'curl/8' },
    body: null,
    points: 0,
    log: true,
    ...over,
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
