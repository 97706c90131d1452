import { relative } from 'node:path';
import { afterEach } from 'vitest';

// Runs before every test file. A test that draws its course from a seed says the seed in its name (`(seed 7)`) or, with
// fast-check, in its failure; when it fails, the command that repeats it is printed.

if (process.env.POSTERN_SEED !== undefined) {
  const { default: fc } = await import('fast-check');
  fc.configureGlobal({ seed: Number(process.env.POSTERN_SEED) });
}

afterEach(({ task }) => {
  const failures = task.result?.state === 'fail' ? (task.result.errors ?? []) : [];
  const texts = [...failures.map(({ message }) => message), task.name, task.suite?.name ?? ''];
  const seed = failures.length > 0 ? texts.map(seedIn).find((one) => one !== undefined) : undefined;
  if (seed !== undefined) {
    const full = process.env.POSTERN_FULL === undefined ? '' : 'POSTERN_FULL=1 ';
    console.error(
      `To repeat it: ${full}POSTERN_SEED=${seed} npm test -- ${relative(process.cwd(), task.file.filepath)}`,
    );
  }
});

function seedIn(text: string): string | undefined {
  return /\bseed:? (-?\d+)/.exec(text)?.[1];
}
