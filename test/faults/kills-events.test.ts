import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { makeEvent, makeWebhook } from '../events/events.ts';
import { type Listener, startListener } from '../helpers/listener.ts';
import { manage } from '../helpers/management.ts';
import { killRig } from './kill-rig.ts';
import { remote } from './server-process.ts';

const folder = mkdtempSync(join(tmpdir(), 'postern-kills-events-'));
let listener: Listener;
afterAll(async () => {
  rmSync(folder, { recursive: true, force: true });
  await listener?.stop();
});

const full = process.env.POSTERN_FULL !== undefined;
const kills = full ? 50 : 1;
const wanted = full ? 10_000 : 60;
const mostWaiting = 300;
const seed = Number(process.env.POSTERN_SEED ?? Date.now() % 1_000_000);

it(`loses no accepted event in ${kills} kills (seed ${seed})`, { timeout: 240_000 + kills * 30_000 }, async () => {
  listener = await startListener();
  // Some kills come between the answer of the target and our record of it.
  const came = new Set<string>();
  listener.answer = ({ headers }) => {
    came.add(headers['webhook-id']!);
    return { delay: 2 };
  };
  let number = 0;
  let lastKill = 0;
  /** Dispatches an event; notes its id when it was accepted. */
  const dispatch = async (url: string, number: number) => {
    const response = await fetch(`${url}/dispatch/killed.over`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify({ number }),
    });
    if (response.status !== 202) {
      throw new Error(`${response.status} ${await response.text()}`);
    }
    accepted.push(((await response.json()) as { id: string }).id);
  };
  const accepted: string[] = [];
  /** One message is under way at a time: more than a machine can deliver so would only be a longer queue. */
  const keepUp = async (patience: number) => {
    for (const ends = Date.now() + patience; accepted.length - came.size > mostWaiting && Date.now() < ends; ) {
      await new Promise((done) => setTimeout(done, 20));
    }
  };
  const arrived = () => Map.groupBy(listener.received, ({ headers }) => headers['webhook-id']!);
  const events = await killRig({
    folder,
    kills,
    ends: ['server', 'runtime', 'both'],
    clients: full ? 8 : 2,
    seed,
    life: [500, 1_500],
    // With the last kill, enough have been accepted; everything has two minutes from then on.
    due: (kill) => {
      lastKill = Date.now();
      return accepted.length >= (wanted * kill) / kills;
    },
    prepare: async (server) => {
      const management = await manage(remote(server));
      await makeEvent(management, 'killed.over');
      await makeWebhook(management, 'killed.over', `${listener.url}/killed`, { concurrency: 1 });
    },
    operation: async ({ url, invoke }) => {
      number += 1;
      const mine = number;
      await invoke('dispatch', mine, () => dispatch(url, mine));
      await keepUp(500);
    },
    finish: async () => {
      const ends = lastKill + 120_000;
      while (Date.now() < ends && accepted.some((id) => !came.has(id))) {
        await new Promise((done) => setTimeout(done, 200));
      }
    },
  });
  const found = arrived();
  expect(accepted.filter((id) => !found.has(id))).toEqual([]);
  expect(accepted.length).toBeGreaterThanOrEqual(wanted);
  expect(events.filter(({ type }) => type === 'kill')).toHaveLength(kills);
  // One message at a time: a kill repeats at most the one that was under way, under the same id.
  const repeated = [...found.values()].reduce((sum, messages) => sum + messages.length - 1, 0);
  expect(repeated).toBeLessThanOrEqual(kills);
});
