/** The part of `Headers` that the steps of a call use on the headers of its answer. */
export type HeaderFields = Pick<Headers, 'get' | 'has' | 'set' | 'append' | 'delete'> & Iterable<[string, string]>;

/**
 * Headers that we write ourselves, on their way into an answer: kept in JavaScript, because each touch of a `Headers` is a
 * call into the platform. Names come out in lower case. Not for `Set-Cookie`, which cannot be joined.
 */
export function headerFields(): HeaderFields {
  return new OwnFields();
}

/** Names that we write, in lower case; few, and always the same. */
const lowered = new Map<string, string>();

function lower(name: string): string {
  let known = lowered.get(name);
  if (known === undefined) {
    known = name.toLowerCase();
    if (lowered.size < 200) {
      lowered.set(name, known);
    }
  }
  return known;
}

class OwnFields implements HeaderFields {
  readonly #values = new Map<string, string>();

  get(name: string): string | null {
    return this.#values.get(lower(name)) ?? null;
  }

  has(name: string): boolean {
    return this.#values.has(lower(name));
  }

  set(name: string, value: string): void {
    this.#values.set(lower(name), value);
  }

  append(name: string, value: string): void {
    const known = this.get(name);
    this.set(name, known === null ? value : `${known}, ${value}`);
  }

  delete(name: string): void {
    this.#values.delete(lower(name));
  }

  [Symbol.iterator](): IterableIterator<[string, string]> {
    return this.#values[Symbol.iterator]();
  }
}
