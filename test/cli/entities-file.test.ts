import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { registry } from '../../admin/cli/entity/registry.ts';
import { projectRoot } from '../../admin/host/build.ts';
import { describeEntities, entityRow } from '../../admin/host/describe-entities.ts';
import { unavailablePage } from '../../admin/host/describe-unavailable.ts';
import { resources } from '../../worker/resources/index.ts';

it('the file that the command line reads says what the worker declares: `npm run commands` writes it anew', () => {
  expect(registry).toEqual(describeEntities());
  expect(readFileSync(join(projectRoot, 'README.md'), 'utf8')).toContain(`\n${entityRow(registry)}\n`);
});

it('every entity of the registry has its commands, with the verbs that it allows', () => {
  for (const { name, verbs } of resources.values()) {
    expect(registry.entities[name]?.verbs, name).toEqual(['list', 'get', ...verbs]);
  }
});

it('the page about what does not work yet says what the worker declares', () => {
  expect(readFileSync(join(projectRoot, 'admin/documentation/unavailable.md'), 'utf8')).toBe(unavailablePage());
});
