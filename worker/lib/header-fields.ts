/** The part of `Headers` that the steps of a call use on the headers of its answer. */
export interface HeaderFields
  extends Pick<Headers, 'get' | 'has' | 'set' | 'append' | 'delete'>,
    Iterable<[string, string]> {
  forEach(callback: (value: string, name: string) => void): void;
}

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

/** A dozen names at most: a list of them is found through faster than a map is made. */
class OwnFields implements HeaderFields {
  readonly #names: string[] = [];
  readonly #values: string[] = [];

  get(name: string): string | null {
    const at = this.#names.indexOf(lower(name));
    return at === -1 ? null : this.#values[at]!;
  }

  has(name: string): boolean {
    return this.#names.includes(lower(name));
  }

  set(name: string, value: string): void {
    const lowered = lower(name);
    const at = this.#names.indexOf(lowered);
    if (at === -1) {
      this.#names.push(lowered);
      this.#values.push(value);
    } else {
      this.#values[at] = value;
    }
  }

  append(name: string, value: string): void {
    const known = this.get(name);
    this.set(name, known === null ? value : `${known}, ${value}`);
  }

  delete(name: string): void {
    const at = this.#names.indexOf(lower(name));
    if (at !== -1) {
      this.#names.splice(at, 1);
      this.#values.splice(at, 1);
    }
  }

  *[Symbol.iterator](): IterableIterator<[string, string]> {
    for (let at = 0; at < this.#names.length; at++) {
      yield [this.#names[at]!, this.#values[at]!];
    }
  }

  forEach(callback: (value: string, name: string) => void): void {
    for (let at = 0; at < this.#names.length; at++) {
      callback(this.#values[at]!, this.#names[at]!);
    }
  }
}
