import { Type } from 'typebox';
import type { ActionInput } from '../../actions/define.ts';
import type { Call, Input } from '../../core/call.ts';
import { ApiError } from '../../core/errors.ts';
import type { SystemOperation } from '../../core/system-operation.ts';
import { executeAction } from '../../gateway/run-operation.ts';
import { action } from '../../resources/action.ts';
import { findRow } from '../../resources/crud.ts';
import { classForm, classList } from './classes.ts';
import { commitOperations } from './commits.ts';

/** What actions have beyond CRUD: classes, forms, history and a test run. */
export const actionOperations: readonly SystemOperation[] = [
  ...commitOperations('action'),
  classList('action'),
  classForm('action'),
  {
    name: 'backend.action.execute',
    method: 'POST',
    path: '/backend/action/execute/:action_id',
    description: 'Runs an action with the given request, to try its configuration',
    scope: 'backend.action',
    incoming: Type.Object({
      method: Type.Optional(Type.Union([Type.String(), Type.Null()])),
      uriFragments: Type.Optional(
        Type.Union([Type.String(), Type.Null()], { description: 'Path parameters as a query string' }),
      ),
      parameters: Type.Optional(Type.Union([Type.String(), Type.Null()], { description: 'Query string' })),
      headers: Type.Optional(Type.Union([Type.String(), Type.Null()], { description: 'Headers as a query string' })),
      body: Type.Optional(Type.Unknown()),
    }),
    run: execute,
  },
];

/** Errors of the action are reported in a 200 with statusCode 500, as Fusio's panel expects. */
async function execute(call: Call, input: Input) {
  const row = await findRow(call, action, String(input.path.action_id));
  try {
    const response = await executeAction(call, `action://${row.name}`, testInput((input.body ?? {}) as TestRequest));
    const text = await response.text();
    return { statusCode: response.status, headers: Object.fromEntries(response.headers), body: parsed(text) };
  } catch (thrown) {
    const error = ApiError.from(thrown);
    return {
      statusCode: 500,
      headers: {},
      body: {
        success: false,
        title: 'Internal Server Error',
        status: error.status,
        code: error.code,
        message: error.message,
      },
    };
  }
}

interface TestRequest {
  method?: string | null;
  uriFragments?: string | null;
  parameters?: string | null;
  headers?: string | null;
  body?: unknown;
}

function testInput(request: TestRequest): ActionInput {
  const pairs = (text: string | null | undefined) => Object.fromEntries(new URLSearchParams(text ?? ''));
  const uriFragments = pairs(request.uriFragments);
  const query = new URLSearchParams(request.parameters ?? '');
  const payload = request.body ?? undefined;
  return {
    arguments: { ...Object.fromEntries(query), ...uriFragments },
    uriFragments,
    payload,
    http: {
      method: (request.method || 'GET').toUpperCase(),
      path: '/',
      query,
      headers: new Headers(pairs(request.headers)),
      stream: null,
      bytes: payload === undefined ? null : new TextEncoder().encode(JSON.stringify(payload)),
      request: null,
    },
  };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
