import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { type HistoryEvent, operations } from './history.ts';
import { killRig } from './kill-rig.ts';

const folder = mkdtempSync(join(tmpdir(), 'postern-kill-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const kills = process.env.POSTERN_FULL === undefined ? 2 : 60;
const seed = Number(process.env.POSTERN_SEED ?? Date.now() % 1_000_000);

async function post(url: string, body: object = {}): Promise<any> {
  const response = await fetch(url, { method: 'POST', body: JSON.stringify(body) });
  if (!response.ok) {
    throw new Error(`${response.status} ${await response.text()}`);
  }
  return response.json();
}

/** What is wrong with a history of a counter that gives each number once, and of notes that are kept once accepted. */
function judge(events: HistoryEvent[], kept: string[]): string[] {
  const wrong: string[] = [];
  const taken = operations(events, 'take').filter(({ outcome }) => outcome === 'ok');
  const numbers = taken.map(({ output }) => output.stored);
  if (new Set(numbers).size !== numbers.length) {
    wrong.push('a number was given twice');
  }
  for (const later of taken) {
    const earlier = taken.find((one) => one.ended < later.invoked && one.output.stored > later.output.stored);
    if (earlier !== undefined) {
      wrong.push(`${later.output.stored} was given after ${earlier.output.stored}`);
    }
  }
  const notes = operations(events, 'note');
  const counts = Map.groupBy(kept, (text) => text);
  for (const { input, outcome } of notes) {
    const count = counts.get(input)?.length ?? 0;
    if (count > 1 || (outcome === 'ok' && count === 0) || (outcome === 'fail' && count > 0)) {
      wrong.push(`note ${input}, ${outcome}, is there ${count} times`);
    }
  }
  return wrong;
}

describe('the kill rig', () => {
  it(`finds nothing lost or doubled in ${kills} kills (seed ${seed})`, {
    timeout: 30_000 + kills * 10_000,
  }, async () => {
    let kept: string[] = [];
    let written = 0;
    const events = await killRig({
      folder,
      kills,
      clients: 4,
      seed,
      entry: 'test/faults/stand-in/index.ts',
      prepare: async ({ url }) => {
        await post(`${url}/all`, { sql: 'CREATE TABLE note (text TEXT NOT NULL)' });
      },
      operation: async ({ url, index, random, invoke }) => {
        if (random() < 0.5) {
          await invoke('take', null, () => post(`${url}/take`, { name: 'one' }));
        } else {
          const text = `note-${index}-${++written}`;
          await invoke('note', text, async () => {
            await post(`${url}/all`, { sql: 'INSERT INTO note (text) VALUES (?)', values: [text] });
          });
        }
      },
      finish: async ({ url }) => {
        kept = (await post(`${url}/all`, { sql: 'SELECT text FROM note' })).results.map((row: any) => row.text);
      },
    });
    expect(events.filter(({ type }) => type === 'kill')).toHaveLength(kills);
    expect(operations(events).filter(({ outcome }) => outcome === 'ok').length).toBeGreaterThan(kills * 5);
    expect(operations(events).filter(({ outcome }) => outcome !== 'ok').length).toBeGreaterThan(0);
    expect(judge(events, kept)).toEqual([]);
  });

  it('has a judge that sees what is wrong', () => {
    const done = (id: number, at: number, operation: string, input: unknown, output: unknown): HistoryEvent[] => [
      { at, type: 'invoke', id, client: 0, operation, value: input },
      { at: at + 1, type: 'ok', id, client: 0, operation, value: output },
    ];
    expect(judge([...done(1, 0, 'take', null, { stored: 1 }), ...done(2, 9, 'take', null, { stored: 1 })], [])).toEqual(
      ['a number was given twice'],
    );
    expect(judge([...done(1, 0, 'take', null, { stored: 2 }), ...done(2, 9, 'take', null, { stored: 1 })], [])).toEqual(
      ['1 was given after 2'],
    );
    expect(judge(done(1, 0, 'note', 'a', null), [])).toEqual(['note a, ok, is there 0 times']);
    expect(judge(done(1, 0, 'note', 'a', null), ['a', 'a'])).toEqual(['note a, ok, is there 2 times']);
    expect(judge([{ at: 0, type: 'invoke', id: 1, operation: 'note', value: 'a' }], ['a'])).toEqual([]);
  });
});
