import { invalidAt } from '../core/errors.ts';
import { reach } from './authority.ts';
import type { Preparing } from './define.ts';
import type { View } from './view.ts';

// What operations refer to, `schema://Name` and `action://Name`: that it exists, and at which commit an operation that is a
// promise is held to it (`…@commit`).

/** What messages call the schemas of an operation, by the member that refers to them; `throws/500` is the one of 500. */
const labels: Record<string, string> = {
  incoming: 'Incoming schema',
  outgoing: 'Outgoing schema',
  throws: 'Throw schema',
};

/** A schema:// reference that exists (a bare name stands for one), or a mime:// one; null stays. Throws ApiError. */
export async function checkSchema(
  { view }: Preparing,
  member: string,
  reference: string | null,
): Promise<string | null> {
  if (reference === null || reference === '') {
    return null;
  }
  const label = labels[member.split('/')[0]!] ?? 'Schema';
  const hint = label === 'Schema' ? '' : ', you need to provide an existing schema name as value';
  const written = reference.includes('://') ? reference : `schema://${reference}`;
  const name = nameIn(written, 'schema');
  if (name === null) {
    if (/^mime:\/\/.+/.test(written)) {
      return written;
    }
    throw invalidAt(`/${member}`, `${label} "${reference}" is not a schema:// or mime:// reference`, 'reference');
  }
  const found = (await view.by('schema', 'name', name)) ?? null;
  if (found === null || !(await view.hasCommit('schema', found.id, commitIn(written)))) {
    throw invalidAt(`/${member}`, `${label} "${written}" does not exist${hint}`, 'reference');
  }
  return written;
}

/** An action:// reference that exists (a bare name stands for one), or an url. Throws ApiError. */
export async function checkAction({ view }: Preparing, reference: string, member = 'action'): Promise<string> {
  const written = reference.includes('://') ? reference : `action://${reference}`;
  if (/^https?:\/\//.test(written)) {
    return written;
  }
  const name = nameIn(written, 'action');
  if (name === null) {
    throw invalidAt(`/${member}`, `Action "${reference}" is not an action:// or http(s):// reference`, 'reference');
  }
  const found = await view.by('action', 'name', name);
  const foreign = found !== undefined && (await reach(view, true, found)) === 'foreign';
  if (found === undefined || foreign || !(await view.hasCommit('action', found.id, commitIn(written)))) {
    throw invalidAt(
      `/${member}`,
      `Action "${written}" does not exist, you need to provide an existing action name as value`,
      'reference',
    );
  }
  return written;
}

/** The references that versions keep, by the number of the version: they exist, and are held to commits. Throws ApiError. */
export async function checkVersions(
  change: Preparing,
  given: Record<string, Record<string, unknown>>,
): Promise<Record<string, Record<string, string | null>>> {
  const versions: Record<string, Record<string, string | null>> = {};
  for (const [version, references] of Object.entries(given)) {
    const place = `versions/${version}`;
    if (!/^\d+\.\d+\.\d+$/.test(version)) {
      throw invalidAt(`/${place}`, `The version "${version}" must be three numbers, 1.0.0`, 'pattern');
    }
    const text = (member: string) => (typeof references[member] === 'string' ? references[member] : null);
    versions[version] = await pinned(change.view, {
      action: await checkAction(change, String(references.action), `${place}/action`),
      incoming: await checkSchema(change, `${place}/incoming`, text('incoming')),
      outgoing: await checkSchema(change, `${place}/outgoing`, text('outgoing')),
    });
  }
  return versions;
}

/** The references of an operation at their current commits. */
export async function pinned(
  view: View,
  { action, incoming, outgoing }: { action: string; incoming: string | null; outgoing: string | null },
): Promise<Record<string, string | null>> {
  const at = (resource: 'action' | 'schema', reference: string | null) => atCommit(view, resource, reference);
  return {
    action: await at('action', action),
    incoming: await at('schema', incoming),
    outgoing: await at('schema', outgoing),
  };
}

/** `schema://Name` → `schema://Name@commit`; other references, and pinned ones, stay as they are. */
async function atCommit(view: View, resource: 'action' | 'schema', reference: string | null): Promise<string | null> {
  const name = reference === null ? null : nameIn(reference, resource);
  if (name === null || commitIn(reference!) !== null) {
    return reference;
  }
  const found = await view.by(resource, 'name', name);
  const hash = found === undefined ? null : await view.headCommit(resource, found.id);
  return hash === null ? reference : `${resource}://${name}@${hash}`;
}

/** Leaving experimental pins action and schemas to their current commit; going back removes the pins. */
export async function pin({ view, row, before }: Preparing): Promise<void> {
  const pinned = row.stability !== 1;
  if (before !== undefined && (before.stability !== 1) === pinned && !pinned) {
    return;
  }
  const resolve = async (resource: 'action' | 'schema', reference: string | null): Promise<string | null> => {
    const name = reference === null ? null : nameIn(reference, resource);
    if (name === null) {
      return reference;
    }
    if (!pinned) {
      return `${resource}://${name}`;
    }
    return atCommit(view, resource, reference);
  };
  row.action = (await resolve('action', row.action))!;
  row.incoming = await resolve('schema', row.incoming);
  row.outgoing = await resolve('schema', row.outgoing);
  for (const [status, reference] of Object.entries(row.throws ?? {})) {
    row.throws[status] = await resolve('schema', reference as string);
  }
}

/** The name in `schema://Name@commit` or a bare `Name`; null for other schemes. */
export function nameIn(reference: unknown, scheme: 'action' | 'schema'): string | null {
  if (typeof reference !== 'string' || reference === '') {
    return null;
  }
  const bare = reference.startsWith(`${scheme}://`) ? reference.slice(scheme.length + 3) : reference;
  return bare.includes('://') ? null : bare.split('@')[0]!;
}

function commitIn(reference: string): string | null {
  return reference.split('@')[1] ?? null;
}
