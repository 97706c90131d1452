/** After its time, an answer that has only not been read yet by a busy isolate still counts. */
const grace = 100;

/**
 * Gives what `run` gives, unless that takes longer than so many milliseconds: then it fails as the platform's own calls do
 * (platform-failure.ts). What came too late may still take effect, as after any lost reply.
 */
export async function within<T>(milliseconds: number, what: string, run: () => Promise<T>): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    const give = () => reject(new Error(`${what} did not answer: the call exceeded timeout of ${milliseconds} ms`));
    timer = setTimeout(() => {
      timer = setTimeout(give, grace);
    }, milliseconds - grace);
  });
  const work = run();
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
    work.catch(() => undefined);
  }
}

/** A binding, or a stub of a Durable Object, whose every method gives a promise and ends within so many milliseconds. */
export function withPatience<Binding extends object>(
  binding: Binding,
  what: string,
  milliseconds: number | ((method: string) => number),
): Binding {
  const patience = typeof milliseconds === 'number' ? () => milliseconds : milliseconds;
  return new Proxy(binding, {
    get(target, name) {
      const method: unknown = Reflect.get(target, name, target);
      // A stub answers to any name: `then` must stay absent, or awaiting one would call it.
      if (typeof name !== 'string' || name === 'then' || typeof method !== 'function') {
        return name === 'then' ? undefined : method;
      }
      return (...args: unknown[]) =>
        within(patience(name), what, () =>
          (target as Record<string, (...args: unknown[]) => Promise<unknown>>)[name]!(...args),
        );
    },
  });
}
