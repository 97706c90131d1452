import { databaseOf } from '../../connections/database.ts';
import { memo } from '../../core/snapshot.ts';
import { readSqlTemplate, type SqlTemplate, templateValue } from '../../lib/sql/template.ts';
import type { ActionContext, ActionInput } from '../define.ts';
import { connectionName, misconfigured } from './shape.ts';

/** What placeholders stand for: arguments of the call, and who calls, which no argument can claim to be. */
export function scopeOf(input: ActionInput, { caller }: ActionContext): (name: string) => unknown {
  const own: Record<string, unknown> = { user_id: caller.userId, user_name: caller.userName };
  return (name) =>
    Object.hasOwn(own, name) ? own[name] : Object.hasOwn(input.arguments, name) ? input.arguments[name] : null;
}

/** What a template binds. */
export function bindingsOf(
  { parameters }: SqlTemplate,
  argument: (name: string) => unknown,
): (string | number | null)[] {
  return parameters.map((parameter) => templateValue(parameter, argument(parameter.name)));
}

/** The configured query, read once for the life of its action. Throws `not_configured` that says what is wrong with it. */
export function templateOf(config: Record<string, any>, context: ActionContext): SqlTemplate {
  const read = memo(config, 'sql', (): { template?: SqlTemplate; fault?: string } => {
    try {
      return { template: readSqlTemplate(String(config.sql ?? '')) };
    } catch (thrown) {
      return { fault: (thrown as Error).message };
    }
  });
  if (read.template === undefined) {
    throw misconfigured(context, read.fault!);
  }
  return read.template;
}

export async function openDatabase(config: Record<string, any>, context: ActionContext): Promise<D1Database> {
  const name = connectionName(config);
  return databaseOf(await context.connection(name), name);
}
