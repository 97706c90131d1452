/**
 * Whether V8's own engine may be given a pattern, because it has nothing to try twice: a chain from `^` of characters and
 * classes, where whatever comes after a repetition cannot be what is repeated. At every character there is one way on, so a
 * match and a failure both cost the length of the text (with counts: that of the pattern, too). `^SKU-[0-9]+$` and
 * `^[^@]+@[^@]+$` are such chains; `^(a+)+$`, `a|b`, `^\w*\d` are not. What this does not understand is not one.
 */
export function isDeterministic(source: string): boolean {
  const links = source.startsWith('^') ? parse(source.slice(1)) : null;
  return links?.every((link, at) => link.least === link.most || isDistinct(link, links.slice(at + 1))) ?? false;
}

/** One character or class, and how often it comes. */
interface Link {
  /** Which of the 128 characters of ASCII, and at 128 whether all others. */
  set: boolean[];
  least: number;
  most: number;
}

/** Whether nothing that may follow a repetition is among what it repeats: up to the first link that has to come. */
function isDistinct(link: Link, behind: readonly Link[]): boolean {
  for (const next of behind) {
    if (next.set.some((has, code) => has && link.set[code])) {
      return false;
    }
    if (next.least > 0) {
      return true;
    }
  }
  return true;
}

/** Escapes of one character, classes without set operations, plain characters; then a greedy count. */
const element =
  /(?:\\([dw./^$*+?()[\]{}|\\])|\[(\^?)((?:\\[dw.\-/^$*+?()[\]{}|\\]|[^\\\][^&~-]|-(?=\])|(?<=\[|\[\^)-|(?<=[0-9A-Za-z])-(?=[0-9A-Za-z]))+)\]|([^\\^$.*+?()[\]{}|]))([*+?]|\{(\d{1,3})(,(\d{0,3}))?\})?/suy;

/** Null for what is no such chain. */
function parse(text: string): Link[] | null {
  const body = text.endsWith('$') && !text.endsWith('\\$') ? text.slice(0, -1) : text;
  const links: Link[] = [];
  for (element.lastIndex = 0; element.lastIndex < body.length; ) {
    const found = element.exec(body);
    if (found === null) {
      return null;
    }
    const [, escaped, not, members, plain, count, least, range, most] = found;
    const set =
      members === undefined ? setOf(escaped === undefined ? plain! : `\\${escaped}`) : setOf(members, not !== '');
    if (set === null) {
      return null;
    }
    const [from, to] = times(count, least, range, most);
    links.push({ set, least: from, most: to });
  }
  return links;
}

function times(count = '', least = '', range?: string, most = ''): [number, number] {
  switch (count) {
    case '':
      return [1, 1];
    case '*':
      return [0, Number.POSITIVE_INFINITY];
    case '+':
      return [1, Number.POSITIVE_INFINITY];
    case '?':
      return [0, 1];
  }
  return [Number(least), range === undefined ? Number(least) : most === '' ? Number.POSITIVE_INFINITY : Number(most)];
}

const digits = /[0-9]/;
const letters = /\w/;

/** The members of a class: `\d`, `\w`, `a-z`, characters. Null where a range runs backwards. */
function setOf(members: string, inverse = false): boolean[] | null {
  const set = new Array<boolean>(129).fill(false);
  const add = (from: number, to: number) => {
    for (let code = from; code <= to; code++) {
      set[Math.min(code, 128)] = true;
    }
  };
  const tokens = members.match(/\\.|[0-9A-Za-z]-[0-9A-Za-z]|./gsu) ?? [];
  for (const token of tokens) {
    if (token === '\\d' || token === '\\w') {
      const among = token === '\\d' ? digits : letters;
      set.forEach((_, code) => {
        set[code] ||= code < 128 && among.test(String.fromCharCode(code));
      });
    } else if (token.length === 3) {
      if (token.charCodeAt(0) > token.charCodeAt(2)) {
        return null;
      }
      add(token.charCodeAt(0), token.charCodeAt(2));
    } else {
      const code = token.codePointAt(token.length - 1 > 0 && token[0] === '\\' ? 1 : 0)!;
      add(Math.min(code, 128), Math.min(code, 128));
    }
  }
  return inverse ? set.map((has, code) => (code === 128 ? true : !has)) : set;
}
