import { expect, it } from 'vitest';
import { slimDescription } from '../../admin/cli/slim-description.ts';
import { importOpenApi } from '../../worker/spec/import-openapi.ts';
import { githubDescription } from '../spec/github-description.ts';

it('a slimmed description imports as the whole one does', async () => {
  const document = await githubDescription();
  const slim = slimDescription(document);
  expect(JSON.stringify(slim).length).toBeLessThan(0.7 * JSON.stringify(document).length);
  expect(JSON.stringify(importOpenApi(slim, { prefix: '/g' }))).toBe(
    JSON.stringify(importOpenApi(document, { prefix: '/g' })),
  );
}, 120_000);

it('members of payloads that are called like what is left out stay', () => {
  const schema = { properties: { examples: { type: 'string' }, 'x-y': {}, tags: {} }, example: { examples: 1 } };
  const document = {
    openapi: '3.1.0',
    paths: {
      '/a': {
        get: {
          tags: ['t'],
          'x-a': 1,
          responses: { 200: { content: { 'application/json': { schema, examples: {} } } } },
        },
      },
    },
    components: { schemas: { A: schema }, examples: {} },
  };
  expect(slimDescription(document)).toEqual({
    openapi: '3.1.0',
    paths: { '/a': { get: { responses: { 200: { content: { 'application/json': { schema } } } } } } },
    components: { schemas: { A: schema } },
  });
});

it('what is no description is left to the gateway', () => {
  for (const document of [null, [], 'text', { paths: 5, components: [] }, { paths: { '/a': { get: [] } } }]) {
    expect(slimDescription(document)).toEqual(document);
  }
});
