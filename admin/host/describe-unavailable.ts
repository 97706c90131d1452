import { catalogue as actions } from '../../worker/actions/catalogue.ts';
import { systemOperations } from '../../worker/api/index.ts';
import { catalogue as connections } from '../../worker/connections/catalogue.ts';

/**
 * The page that says what is declared and does not work in this version, from the declarations themselves. `npm run commands`
 * writes it to admin/documentation/unavailable.md; a test compares.
 */
export function unavailablePage(): string {
  const reasons = new Map<string, string[]>();
  for (const { unavailable, method, path } of systemOperations) {
    if (unavailable !== undefined) {
      const key = `${unavailable.status} | ${unavailable.reason}`;
      reasons.set(key, [...(reasons.get(key) ?? []), `\`${method} ${plain(path)}\``]);
    }
  }
  const operations = [...reasons].map(([reason, calls]) => `| ${reason} | ${calls.join('<br>')} |`);
  return `# What does not work yet

Fusio's clients find every operation and every class of Fusio's here, with its contract and its form. These say honestly that they
cannot do their work in this version: 501 will stay, 503 goes as soon as the missing part is there. This page is written by
\`npm run commands\`.

## Operations

| status | reason | operations |
|---|---|---|
${operations.join('\n')}

## Actions

They can be chosen, configured and saved; running one answers 503 and names what is missing.

| class | what is missing |
|---|---|
${actions.map(({ class: name, description }) => row(name, description)).join('\n')}

## Connections

They can be chosen, configured and saved; using one answers 503.

| class | what is missing |
|---|---|
${connections.map(({ class: name, description }) => row(name, description)).join('\n')}
`;
}

/** A path as documents write it: \`/backend/test/{test_id}\`. */
function plain(path: string): string {
  return path.replace(/\/[:$]([A-Za-z_]+)(?:<[^>]*>)?/g, '/{$1}');
}

function row(name: string, description: string): string {
  return `| \`${name}\` | ${/: ([^:]+) is missing\.$/.exec(description)?.[1] ?? description} |`;
}
