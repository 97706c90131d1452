import { existsSync, readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { findDeployFile, loadFile } from '../deploy/load.ts';
import { Failure } from '../failure.ts';

export type Json = Record<string, unknown>;

/** One remark on the way: what it is about, and what was done with it or is to be done by hand. */
export interface Note {
  kind: 'translated' | 'replace' | 'left out';
  about: string;
  message: string;
}

/** A Fusio installation's configuration as it was found: section → name → entry. */
export interface FusioConfig {
  sections: Record<string, Record<string, unknown>>;
  /** Where files beside the configuration are sought; null for a backup, which has none. */
  folder: string | null;
  /** What reading it had to change. */
  notes: Note[];
}

/**
 * Reads a backup of Fusio (the text of `/backend/backup/export`, or the whole answer) or a deploy file: a `.fusio.yml`, or the
 * folder that holds one. Variables that are not set become empty and are named. Throws Failure for what is neither.
 */
export function readFusio(path: string): FusioConfig {
  const backup = /\.ya?ml$/i.test(path) ? null : readBackup(path);
  if (backup !== null) {
    return { sections: backup, folder: null, notes: [] };
  }
  const file = findDeployFile(path);
  const unset = new Set<string>();
  const { value } = loadFile(file, {
    env: process.env,
    unset(name) {
      unset.add(name);
      return '';
    },
  });
  if (!isObject(value)) {
    throw new Failure('usage', `${path} is neither a backup of Fusio nor a deploy file`);
  }
  return {
    sections: Object.fromEntries(Object.entries(value).map(([section, entries]) => [section, byName(entries)])),
    folder: dirname(file),
    notes: [...unset].map((name) => ({
      kind: 'left out',
      about: `variable ${name}`,
      message: 'it is not set, so that its value stays empty: set it and import again, or fill it in by hand',
    })),
  };
}

/** Null when the file is no JSON object, or a folder. */
function readBackup(path: string): FusioConfig['sections'] | null {
  try {
    const outer = JSON.parse(readFileSync(path, 'utf8')) as unknown;
    const backup = isObject(outer) && typeof outer.export === 'string' ? JSON.parse(outer.export) : outer;
    if (!isObject(backup)) {
      return null;
    }
    return Object.fromEntries(
      Object.entries(backup)
        .filter(([, entries]) => typeof entries === 'object' && entries !== null)
        .map(([section, entries]) => [section, byName(entries, section === 'config')]),
    );
  } catch (thrown) {
    if (!existsSync(path)) {
      throw new Failure('usage', `${path} does not exist`);
    }
    if (thrown instanceof SyntaxError || (thrown as NodeJS.ErrnoException).code === 'EISDIR') {
      return null;
    }
    throw thrown;
  }
}

/** A map stays one; a list becomes one by the names, or paths, of its entries. */
function byName(entries: unknown, values = false): Record<string, unknown> {
  if (!Array.isArray(entries)) {
    return isObject(entries) ? entries : {};
  }
  return Object.fromEntries(
    entries.filter(isObject).map(({ name, path, ...rest }) => [String(name ?? path), values ? rest.value : rest]),
  );
}

export function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
