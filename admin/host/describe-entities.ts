import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TSchema } from 'typebox';
import { catalogue as actions } from '../../worker/actions/catalogue.ts';
import { actionTypes } from '../../worker/actions/index.ts';
import { systemOperations } from '../../worker/api/index.ts';
import { catalogue as connections } from '../../worker/connections/catalogue.ts';
import { connectionTypes } from '../../worker/connections/index.ts';
import type { SystemOperation } from '../../worker/core/system-operation.ts';
import { collectionParameters } from '../../worker/resources/crud.ts';
import { columnOf } from '../../worker/resources/define.ts';
import { resources } from '../../worker/resources/index.ts';
import type { ClassInfo, Entity, Member, Registry } from '../cli/entity/registry.ts';
import { projectRoot } from './build.ts';
import { unavailablePage } from './describe-unavailable.ts';

/**
 * What the command line knows of the management API: every `backend.<noun>` with a list, its verbs, filters, columns and
 * members, and the classes of actions and connections. `npm run commands` writes it to admin/cli/entities.json, and the
 * names into the README; tests compare.
 */
export function describeEntities(): Registry {
  const lists = systemOperations.flatMap(({ name }) => /^backend\.([a-z]+)\.getAll$/.exec(name)?.[1] ?? []);
  const nouns = lists.filter((noun) => systemOperations.some(({ name }) => name === `backend.${noun}.get`));
  const registry = {
    entities: Object.fromEntries(nouns.sort().map((noun) => [noun, describe(noun)])),
    classes: { action: classes(actionTypes, actions), connection: classes(connectionTypes, connections) },
  };
  return JSON.parse(JSON.stringify(registry)) as Registry;
}

function describe(noun: string): Entity {
  const operation = (verb: string) => systemOperations.find(({ name }) => name === `backend.${noun}.${verb}`);
  const list = operation('getAll')!;
  const one = operation('get');
  const resource = resources.get(noun);
  const fields = Object.entries(resource?.fields ?? {});
  const writable = fields.filter(([, field]) => !field.readonly);
  return {
    description: resource?.description ?? list.description,
    // What is no resource of its own is found by its id only.
    named: resource !== undefined && one?.path.includes('^~') ? columnOf(resource.named) : null,
    verbs: [
      'list',
      ...(one === undefined ? [] : (['get'] as const)),
      ...(['create', 'update', 'delete'] as const).filter((verb) => operation(verb) !== undefined),
    ],
    search: 'search' in (list.query ?? {}),
    sort: 'sortBy' in (list.query ?? {}),
    filters: Object.fromEntries(
      Object.entries(list.query ?? {}).filter(([name]) => !(name in collectionParameters)),
    ) as Record<string, Member>,
    columns: ['id', ...(resource === undefined ? answered(list) : shown(fields))],
    members: Object.fromEntries(writable.map(([member, field]) => [member, field.schema as Member])),
    required: writable.filter(([, field]) => field.required).map(([member]) => member),
  };
}

/** Members of the list view that fit a cell. */
function shown(fields: [string, { schema: TSchema; list?: boolean; hidden?: boolean }][]): string[] {
  return fields
    .filter(([, field]) => field.list && !field.hidden && (field.schema as Member).type !== 'object')
    .map(([member]) => member)
    .sort((one, other) => Number(other === 'name') - Number(one === 'name'));
}

/** Columns of a list whose operation declares its answer; none are known of the others, which show what comes. */
function answered(list: SystemOperation): string[] {
  const entry = (list.outgoing as Member | undefined)?.properties?.entry?.items?.properties ?? {};
  return Object.keys(entry).filter((member) => member !== 'id');
}

type Classes = readonly { class: string; name: string; description: string; config: unknown }[];

function classes(types: Classes, later: Classes) {
  return Object.fromEntries(
    types
      .map((type): [string, ClassInfo] => {
        const { properties = {}, required = [] } = type.config as Member;
        const missing = later.includes(type) ? { missing: type.description } : {};
        return [type.class, { title: type.name, properties, required, ...missing }];
      })
      .sort(([one], [other]) => (one < other ? -1 : 1)),
  );
}

/** Nouns with commands of their own, in rows of their own. */
const commanded = ['tenant', 'token'];

/** The row of the README's table of commands that names the entities. */
export function entityRow({ entities }: Registry): string {
  const nouns = Object.keys(entities).filter((noun) => !commanded.includes(noun));
  return `| ${nouns.map((noun) => `\`${noun}\``).join(', ')} | \`list\`, \`get\`, \`create\`, \`update\`, \`delete\`, as far as the entity has them |`;
}

if (import.meta.main) {
  const readme = join(projectRoot, 'README.md');
  const rowed = readFileSync(readme, 'utf8').replace(/^\| `action`,.*$/m, () => entityRow(describeEntities()));
  writeFileSync(readme, rowed);
  writeFileSync(join(projectRoot, 'admin/cli/entities.json'), `${JSON.stringify(describeEntities(), null, 2)}\n`);
  writeFileSync(join(projectRoot, 'admin/documentation/unavailable.md'), unavailablePage());
}
