import { and, asc, eq } from 'drizzle-orm';
import { drizzle } from 'drizzle-orm/d1';
import { Type } from 'typebox';
import type { Call, Input } from '../../core/call.ts';
import { ApiError } from '../../core/errors.ts';
import type { SystemOperation } from '../../core/system-operation.ts';
import { agent, agents } from '../../resources/agent.ts';
import { findRow } from '../../resources/crud.ts';
import { operations } from '../../resources/operation.ts';

/** What agents have beyond CRUD: the tools they may use, and talking to them. */
export const agentOperations: readonly SystemOperation[] = [
  {
    name: 'backend.agent.getTools',
    method: 'GET',
    path: '/backend/agent/tools',
    description: 'Lists the operations that an agent may use as tools',
    scope: 'backend.agent',
    async run(call) {
      const rows = await drizzle(call.runtime.env.DB)
        .select({ name: operations.name, description: operations.description })
        .from(operations)
        .where(and(eq(operations.tenant_id, call.tenant), eq(operations.status, 1), eq(operations.active, true)))
        .orderBy(asc(operations.name));
      return {
        tools: rows.map(({ name, description }) => ({
          name: name.replaceAll('.', '_'),
          ...(description ? { description } : {}),
        })),
      };
    },
  },
  ...messageOperations('backend'),
];

/** Talking to an agent: refused with the reason until agents run. Consumers reach the public ones only. */
export function messageOperations(side: 'backend' | 'consumer'): SystemOperation[] {
  const path = `/${side}/agent/$agent_id<[0-9]+|^~>/message`;
  const scope = `${side}.agent`;
  const find = (call: Call, input: Input) =>
    findRow(call, agent, String(input.path.agent_id), side === 'consumer' ? eq(agents.public, true) : undefined);
  const submit: SystemOperation['run'] = async (call, input) => {
    const { name } = await find(call, input);
    throw new ApiError(
      'not_configured',
      `The agent "${name}" cannot be talked to: running agents is not part of this release`,
    );
  };
  return [
    {
      name: `${scope}.message.getAll`,
      method: 'GET',
      path,
      description: 'Lists the messages of a chat with an agent',
      scope,
      query: { chat_id: { type: 'string', description: 'The chat' } },
      // Nothing was said yet.
      async run(call, input) {
        await find(call, input);
        return { totalResults: 0, startIndex: 0, itemsPerPage: 16, entry: [] };
      },
    },
    {
      name: `${scope}.message.submit`,
      method: 'POST',
      status: 201,
      path,
      description: 'Says something to an agent',
      scope,
      incoming: Type.Unknown(),
      run: submit,
    },
  ];
}
