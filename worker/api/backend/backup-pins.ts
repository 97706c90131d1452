import { and, eq, inArray, sql } from 'drizzle-orm';
import { drizzle } from 'drizzle-orm/d1';
import type { Call } from '../../core/call.ts';
import type { Change } from '../../core/ports.ts';
import { sha1 } from '../../lib/hash.ts';
import { canonicalJson, isObject } from '../../lib/json.ts';
import type { Reader } from '../../resources/authority-read.ts';
import { commits } from '../../resources/commit.ts';
import { resources } from '../../resources/index.ts';
import { rowsOf } from './deploy.ts';

// Operations that left experimental, and versions of operations, are pinned to commits of action and schemas, and commits are named by
// what only one installation has. In a backup a pin is named by its content instead, and content that is no longer the current one comes along
// (`pin`), so that another installation answers by the same.

type Entry = Record<string, unknown>;
type Sections = Record<string, Record<string, unknown>>;

/** Content that an operation is pinned to and that its action or schema has no more. */
interface Pin {
  object: Kind;
  name: string;
  hash: string;
  content: unknown;
}

type Kind = 'action' | 'schema';
/** Where an action or a schema keeps what its commits hold. */
const contents = { action: 'config', schema: 'source' } as const;
const reference = /^(action|schema):\/\/([A-Za-z0-9_-]+)@([0-9a-f]{40})$/;

const contentHash = (content: unknown) => sha1(canonicalJson(content));

/** Names the pins in the section `operation` of an export by their content; gives the contents that are not in the export itself. */
export async function namePins(call: Reader, sections: Sections): Promise<Pin[]> {
  const operations = Object.entries(sections.operation ?? {}) as [string, Entry][];
  const hashes = new Set<string>();
  for (const [, operation] of operations) {
    referencesOf(operation, (_kind, _name, hash) => {
      hashes.add(hash);
      return undefined;
    });
  }
  if (hashes.size === 0) {
    return [];
  }
  const rows = await drizzle(call.runtime.env.DB)
    .select({ hash: commits.commit_hash, content: commits.content })
    .from(commits)
    .where(and(eq(commits.tenant_id, call.tenant), inArray(commits.commit_hash, listed([...hashes]))));
  const known = new Map(rows.map(({ hash, content }) => [hash, { hash: contentHash(content), content }]));
  const pins = new Map<string, Pin>();
  for (const [key, operation] of operations) {
    sections.operation![key] = referencesOf(operation, (object, name, hash) => {
      const found = known.get(hash);
      if (found === undefined) {
        return undefined;
      }
      const named = `${object}://${name}@${found.hash}`;
      const current = sections[object]?.[name] as Entry | undefined;
      if (current !== undefined && contentHash(current[contents[object]]) !== found.hash) {
        pins.set(named, { object, name, ...found });
      }
      return named;
    });
  }
  return [...pins].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, pin]) => pin);
}

/**
 * Makes the changes of a backup pin its operations to what they were pinned to: to a commit that is here already, else by
 * letting the action or schema be for a moment what it was. A pin to the current content needs nothing: a stable
 * operation is pinned to what comes with it.
 */
export async function applyPins(call: Call, backup: Record<string, unknown>, changes: Change[]): Promise<Change[]> {
  const pins = readPins(backup.pin);
  const here = await commitsHere(call, pins);
  const current = new Map(
    changes.filter(({ resource }) => resource in contents).map((change) => [placeOf(change), change]),
  );
  /** What an operation or a version of it refers to here, and what has to be for a moment what it was. */
  const resolve = (referring: Entry) => {
    const former = new Map<string, Change>();
    const data = referencesOf(referring, (object, name, hash) => {
      const bare = `${object}://${name}`;
      const present = here.get(`${bare}@${hash}`);
      const pin = pins.get(`${bare}@${hash}`);
      const now = current.get(bare);
      if (present === undefined && pin !== undefined && now !== undefined) {
        former.set(bare, { ...now, data: { ...now.data, [contents[object]]: pin.content } });
      }
      return present === undefined ? bare : `${bare}@${present}`;
    });
    return { data, former };
  };
  const plain: Change[] = [];
  const late: { operation: Change; contents: Map<string, Change> }[] = [];
  for (const change of changes) {
    if (change.resource !== 'operation') {
      plain.push(change);
      continue;
    }
    const { versions, ...itself } = change.data!;
    const { data, former } = resolve(itself);
    const operation = { ...change, data };
    if (former.size === 0) {
      plain.push(operation);
    } else {
      late.push({ operation, contents: former });
    }
    for (const [tag, references] of Object.entries(isObject(versions) ? versions : {})) {
      const version = resolve(references as Entry);
      if (former.size === 0 && version.former.size === 0) {
        data.versions = { ...(data.versions as Entry | undefined), [tag]: version.data };
      } else {
        const key = `~${String(itself.name)}`;
        const added: Change = {
          resource: 'operation',
          verb: 'update',
          key,
          data: { versions: { [tag]: version.data } },
        };
        late.push({ operation: added, contents: version.former });
      }
    }
  }
  const displaced = new Set<string>();
  const restored = (places: string[]) => {
    places.forEach((place) => void displaced.delete(place));
    return places.map((place) => current.get(place)!);
  };
  for (const { operation, contents: former } of late) {
    plain.push(...restored([...displaced].filter((place) => !former.has(place))), ...former.values(), operation);
    for (const place of former.keys()) {
      displaced.add(place);
    }
  }
  return [...plain, ...restored([...displaced])];
}

const placeOf = ({ resource, data }: Change) => `${resource}://${String(data?.name)}`;

function readPins(given: unknown): Map<string, Pin> {
  const entries = (Array.isArray(given) ? given : []).filter(isObject) as unknown as Pin[];
  return new Map(
    entries
      .filter(({ object, content, hash }) => object in contents && contentHash(content) === hash)
      .map((pin) => [`${pin.object}://${pin.name}@${pin.hash}`, pin]),
  );
}

/** The newest commit with the content of each pin, where there is one. */
async function commitsHere(call: Call, pins: Map<string, Pin>): Promise<Map<string, string>> {
  const found = new Map<string, string>();
  for (const object of Object.keys(contents) as Kind[]) {
    const names = new Set([...pins.values()].filter((pin) => pin.object === object).map(({ name }) => name));
    if (names.size === 0) {
      continue;
    }
    const owners = (await rowsOf(call, resources.get(object)!)).filter(({ name }) => names.has(name));
    const byId = new Map(owners.map(({ id, name }) => [id, name as string]));
    const rows = await drizzle(call.runtime.env.DB)
      .select()
      .from(commits)
      .where(
        and(
          eq(commits.tenant_id, call.tenant),
          eq(commits.object, object),
          inArray(commits.object_id, listed([...byId.keys()])),
        ),
      )
      .orderBy(commits.id);
    for (const { object_id, content, commit_hash } of rows) {
      found.set(`${object}://${byId.get(object_id)}@${contentHash(content)}`, commit_hash);
    }
  }
  return found;
}

/** The operation with each pinned reference as `change` has it; as it is where that is nothing. */
function referencesOf(operation: Entry, change: (kind: Kind, name: string, hash: string) => string | undefined): Entry {
  const changed = (value: unknown): unknown => {
    if (isObject(value)) {
      return Object.fromEntries(Object.entries(value).map(([code, inner]) => [code, changed(inner)]));
    }
    const [, kind, name, hash] = (typeof value === 'string' ? reference.exec(value) : null) ?? [];
    return kind === undefined ? value : (change(kind as Kind, name!, hash!) ?? value);
  };
  const members = ['action', 'incoming', 'outgoing', 'throws', 'versions'].filter(
    (member) => operation[member] !== undefined,
  );
  return { ...operation, ...Object.fromEntries(members.map((member) => [member, changed(operation[member])])) };
}

const listed = (values: readonly (string | number)[]) => sql`(SELECT value FROM json_each(${JSON.stringify(values)}))`;
