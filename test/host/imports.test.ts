import { globSync, readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { projectRoot } from '../../admin/host/build.ts';

const statement = /^(?:import|export)\s+(type\s)?[^;]*?from '([^']+)'/gm;

/** Imports of running code, not of types, by `file: module`. */
function codeImports(folder: string): string[] {
  return globSync(`${folder}/**/*.ts`, { cwd: projectRoot }).flatMap((file) =>
    [...readFileSync(`${projectRoot}/${file}`, 'utf8').matchAll(statement)]
      .filter(([, type]) => type === undefined)
      .map(([, , module]) => `${file}: ${module}`),
  );
}

it('clients of the management API import types from the worker, never code', () => {
  // What writes committed files from the declarations (`npm run commands`) is no client: it never runs beside one.
  const all = codeImports('admin').filter((line) => !/^admin\/host\/describe-[a-z]+\.ts:/.test(line));
  expect(all.length).toBeGreaterThan(20);
  expect(all.filter((line) => /: (\.\.\/)+(worker|durable-objects)\//.test(line))).toEqual([]);
});
