type Counts = Record<string, Partial<Record<'create' | 'update' | 'none', number>>>;

/** What a generator of the gateway answers to a plan (with what it would make) and to an order. */
export interface Generated {
  revision?: number;
  counts: Counts;
  warnings: string[];
  operations?: { name: string; httpMethod: string; httpPath: string }[];
}

/** The same for people. */
export function showGenerated(answer: Generated, plan: boolean): string {
  const counted = Object.entries(answer.counts).map(([resource, verbs]) => {
    const parts = [
      verbs.create ? `${verbs.create} new` : '',
      verbs.update ? `${verbs.update} changed` : '',
      verbs.none ? `${verbs.none} unchanged` : '',
    ].filter((part) => part !== '');
    return `  ${resource}: ${parts.join(', ')}`;
  });
  const listed = plan
    ? (answer.operations ?? [])
        .slice(0, 20)
        .map((operation) => `  ${operation.httpMethod.padEnd(6)} ${operation.httpPath}  ${operation.name}`)
    : [];
  const more = (answer.operations?.length ?? 0) - listed.length;
  return [
    ...answer.warnings.slice(0, 20).map((warning) => `Note: ${warning}`),
    ...(answer.warnings.length > 20 ? [`Note: … and ${answer.warnings.length - 20} more`] : []),
    ...listed,
    ...(plan && more > 0 ? [`  … and ${more} more`] : []),
    plan ? 'Plan, nothing was changed:' : `Revision ${answer.revision}:`,
    ...(counted.length === 0 ? ['  nothing to do'] : counted),
  ].join('\n');
}

/** Options of every command that makes an API out of a description: who may call it, and how it is published. */
export const generatedApiOptions = {
  scope: {
    type: 'string',
    description: 'Scopes that may call; several with commas',
    valueHint: 'NAME',
    default: 'default',
  },
  public: { type: 'boolean', description: 'Let everybody call, without a token' },
  update: { type: 'boolean', description: 'Update what exists under the same names; else that is an error' },
  plan: { type: 'boolean', description: 'Show what would be made, change nothing' },
  message: { type: 'string', alias: 'm', description: 'Shown in the list of revisions', valueHint: 'TEXT' },
} as const;
