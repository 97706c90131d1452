import { isObject } from '../lib/json.ts';
import { isEnvelope } from '../lib/seal.ts';
import { isSecretName } from '../lib/secret-names.ts';
import type { View } from './view.ts';

/** What a secret looks like when it is read. Sent back, it means "as it was". */
export const secretMask = '********';

/**
 * The configuration of a connection (or of another `kind`) as it is stored: members that the class marks as secret, and members of maps whose
 * names say that they are (an `Authorization` among the headers), become sealed envelopes. One that comes back masked, or
 * that is absent, keeps its value; null and the empty text remove it.
 */
export async function sealConfig(
  view: View,
  id: number,
  secretMembers: ReadonlySet<string>,
  given: Record<string, unknown>,
  stored: Record<string, unknown>,
  kind = 'connection',
): Promise<Record<string, unknown>> {
  const sealOne = async (value: unknown, before: unknown, place: string) => {
    if (value === secretMask || isEnvelope(value)) {
      return before ?? null;
    }
    return typeof value === 'string' && value !== '' ? view.seal(value, before, `${kind}/${id}/${place}`) : null;
  };
  const config: Record<string, unknown> = {};
  for (const [member, value] of Object.entries(given)) {
    if (secretMembers.has(member)) {
      config[member] = await sealOne(value, stored[member], member);
    } else if (isObject(value)) {
      const before = isObject(stored[member]) ? stored[member] : {};
      const entries = Object.entries(value).map(async ([name, entry]) => {
        const secret = isSecretName(name) && typeof entry === 'string';
        return [
          name,
          secret || isEnvelope(entry) ? await sealOne(entry, before[name], `${member}/${name}`) : entry,
        ] as const;
      });
      config[member] = Object.fromEntries(await Promise.all(entries));
    } else {
      config[member] = value;
    }
  }
  for (const member of secretMembers) {
    if (given[member] === undefined && isEnvelope(stored[member])) {
      config[member] = stored[member];
    }
  }
  return config;
}

/** A configuration as callers see it: every sealed member is the mask. */
export function maskConfig(
  config: unknown,
  mask: (path: string[]) => string = () => secretMask,
  path: string[] = [],
): unknown {
  if (isEnvelope(config)) {
    return mask(path);
  }
  return isObject(config)
    ? Object.fromEntries(
        Object.entries(config).map(([member, value]) => [member, maskConfig(value, mask, [...path, member])]),
      )
    : config;
}
