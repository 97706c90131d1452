import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { buildWorker } from '../../admin/host/build.ts';

const folder = mkdtempSync(join(tmpdir(), 'postern-build-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function source(name: string, body: string): string {
  const entry = join(folder, name, 'index.ts');
  mkdirSync(join(folder, name), { recursive: true });
  const classes = ['Publisher', 'Limiter', 'TokenFamily', 'Outbox', 'Lane', 'Idempotency'].map(
    (c) => `export class ${c} extends DurableObject {}`,
  );
  writeFileSync(
    entry,
    `import { DurableObject } from 'cloudflare:workers';\n${classes.join('\n')}\nexport default { fetch: () => new Response(${body}) };\n`,
  );
  return entry;
}

describe('buildWorker', () => {
  it('builds once per source, also when many ask at once', async () => {
    const outdir = join(folder, 'out');
    const entry = source('one', '"one"');
    let builds = 0;
    const ask = () => buildWorker({ entry, outdir, onBuild: () => (builds += 1) });
    const all = await Promise.all([ask(), ask(), ask()]);
    expect(builds).toBe(1);
    expect(new Set(all.map(({ script }) => script)).size).toBe(1);
    expect(all[0]!.raw).toBeGreaterThan(all[0]!.gzip);

    source('one', '"two"');
    const changed = await ask();
    expect(changed).toMatchObject({ fresh: true });
    expect(readFileSync(changed.script, 'utf8')).toContain('"two"');
    expect((await ask()).fresh).toBe(false);
    expect(builds).toBe(2);
    expect(readdirSync(outdir).filter((name) => name.includes('draft') || name.includes('lock'))).toEqual([]);
  });

  it('says what does not build, and leaves nothing behind', async () => {
    const outdir = join(folder, 'broken');
    await expect(buildWorker({ entry: source('two', 'nowhere('), outdir })).rejects.toThrow(
      /does not build[\s\S]*index\.ts/,
    );
    expect(readdirSync(outdir)).toEqual([]);
  });

  it('refuses what is over the budget', async () => {
    const noise = Array.from({ length: 200_000 }, (_, i) => Math.abs(Math.sin(i)).toString(36).slice(2)).join('');
    await expect(
      buildWorker({ entry: source('three', JSON.stringify(noise)), outdir: join(folder, 'large') }),
    ).rejects.toThrow(/over its budget/);
  });
});
