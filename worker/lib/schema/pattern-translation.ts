import { RE2JS } from 're2js';

/** Why a pattern was refused; `position` counts UTF-16 units of its source. */
export class PatternError extends Error {
  readonly position: number;

  constructor(message: string, position: number) {
    super(message);
    this.name = 'PatternError';
    this.position = position;
  }
}

/** RE2's `\s` knows five characters, ECMA-262's all of these (WhiteSpace and LineTerminator). */
const space = '\\t-\\r \\x{a0}\\x{1680}\\x{2000}-\\x{200a}\\x{2028}\\x{2029}\\x{202f}\\x{205f}\\x{3000}\\x{feff}';
const notSpace =
  '\\x00-\\x08\\x0e-\\x1f!-\\x{9f}\\x{a1}-\\x{167f}\\x{1681}-\\x{1fff}\\x{200b}-\\x{2027}\\x{202a}-\\x{202e}' +
  '\\x{2030}-\\x{205e}\\x{2060}-\\x{2fff}\\x{3001}-\\x{fefe}\\x{ff00}-\\x{10ffff}';
const anything = '\\x00-\\x{10ffff}';
const notNewline = '[^\\n\\r\\x{2028}\\x{2029}]';
// RE2 unrolls counts, so they bound the size of the program.
const largestCount = 1000;
const largestSum = 5000;

/** Long names of general categories (PropertyValueAliases of Unicode) as RE2 knows them. */
const categories: Record<string, string> = {
  Cased_Letter: 'LC',
  Close_Punctuation: 'Pe',
  Combining_Mark: 'M',
  Connector_Punctuation: 'Pc',
  Control: 'Cc',
  Currency_Symbol: 'Sc',
  Dash_Punctuation: 'Pd',
  Decimal_Number: 'Nd',
  Enclosing_Mark: 'Me',
  Final_Punctuation: 'Pf',
  Format: 'Cf',
  Initial_Punctuation: 'Pi',
  Letter: 'L',
  Letter_Number: 'Nl',
  Line_Separator: 'Zl',
  Lowercase_Letter: 'Ll',
  Mark: 'M',
  Math_Symbol: 'Sm',
  Modifier_Letter: 'Lm',
  Modifier_Symbol: 'Sk',
  Nonspacing_Mark: 'Mn',
  Number: 'N',
  Open_Punctuation: 'Ps',
  Other: 'C',
  Other_Letter: 'Lo',
  Other_Number: 'No',
  Other_Punctuation: 'Po',
  Other_Symbol: 'So',
  Paragraph_Separator: 'Zp',
  Private_Use: 'Co',
  Punctuation: 'P',
  Separator: 'Z',
  Space_Separator: 'Zs',
  Spacing_Mark: 'Mc',
  Surrogate: 'Cs',
  Symbol: 'S',
  Titlecase_Letter: 'Lt',
  Unassigned: 'Cn',
  Uppercase_Letter: 'Lu',
  cntrl: 'Cc',
  digit: 'Nd',
  punct: 'P',
};

/** One element of a pattern or class: one code point, or a set in RE2's spelling. */
type Atom = { point: number } | { set: string };

/** One walk from ECMA-262's spelling to RE2's. Groups become non-capturing: nothing can refer to them. */
export class Translation {
  readonly #source: string;
  #at = 0;
  #groups: number[] = [];
  #counted = 0;

  constructor(source: string) {
    this.#source = source;
  }

  run(): string {
    let out = '';
    while (this.#at < this.#source.length) {
      out += this.#next();
    }
    const open = this.#groups.pop();
    if (open !== undefined) {
      throw new PatternError('the group is not closed', open);
    }
    return out;
  }

  #next(): string {
    const start = this.#at;
    const char = this.#source[start]!;
    switch (char) {
      case '\\':
        return this.#boundary() ?? outside(this.#escape(false));
      case '[':
        return this.#class();
      case '(':
        return this.#group();
      case ')':
        if (this.#groups.pop() === undefined) {
          throw new PatternError('the parenthesis closes no group', start);
        }
        this.#at++;
        return ')';
      case '.':
        this.#at++;
        return notNewline;
      case '{':
        return this.#count();
      case '^':
      case '$':
      case '|':
      case '*':
      case '+':
      case '?':
        this.#at++;
        return char;
      default:
        return outside({ point: this.#point() });
    }
  }

  #point(): number {
    const point = this.#source.codePointAt(this.#at)!;
    this.#at += point > 0xffff ? 2 : 1;
    return point;
  }

  #boundary(): string | undefined {
    const pair = this.#source.slice(this.#at, this.#at + 2);
    if (pair === '\\b' || pair === '\\B') {
      this.#at += 2;
      return pair;
    }
    return undefined;
  }

  #group(): string {
    const start = this.#at;
    this.#groups.push(start);
    const rest = this.#source.slice(start, start + 80);
    if (!rest.startsWith('(?')) {
      this.#at++;
      return '(?:';
    }
    if (/^\(\?(?:=|!|<=|<!)/.test(rest)) {
      throw new PatternError('look-around is not supported', start);
    }
    const known = /^\(\?(?:(:)|<[\p{ID_Start}$_][\p{ID_Continue}$]*>|(i:|-i:)|(i\)))/u.exec(rest);
    if (known === null) {
      throw new PatternError('the kind of group is not known', start);
    }
    this.#at += known[0].length;
    if (known[3] !== undefined) {
      // `(?i)` is no ECMA-262, but common in descriptions made elsewhere; it opens nothing.
      this.#groups.pop();
      return '(?i)';
    }
    return known[2] === undefined ? '(?:' : `(?${known[2]}`;
  }

  #count(): string {
    const start = this.#at;
    const count = /^\{(\d{1,9})(?:,(\d{0,9}))?\}/.exec(this.#source.slice(start, start + 24));
    if (count === null) {
      this.#at++;
      return '\\{';
    }
    const least = Number(count[1]);
    const most = count[2] ? Number(count[2]) : least;
    if (most < least) {
      throw new PatternError('the count is out of order', start);
    }
    if (most > largestCount) {
      throw new PatternError(`a count may not be over ${largestCount}`, start);
    }
    this.#counted += most;
    if (this.#counted > largestSum) {
      throw new PatternError(`all counts together may not be over ${largestSum}`, start);
    }
    this.#at += count[0].length;
    return count[0];
  }

  #class(): string {
    const start = this.#at++;
    let head = '[';
    if (this.#source[this.#at] === '^') {
      this.#at++;
      head = '[^';
    }
    let out = '';
    for (;;) {
      if (this.#at >= this.#source.length) {
        throw new PatternError('the class is not closed', start);
      }
      if (this.#source[this.#at] === ']') {
        this.#at++;
        break;
      }
      const position = this.#at;
      const low = this.#classAtom();
      if (this.#source[this.#at] !== '-' || this.#source[this.#at + 1] === ']') {
        out += inside(low);
        continue;
      }
      this.#at++;
      if (this.#at >= this.#source.length) {
        throw new PatternError('the class is not closed', start);
      }
      const high = this.#classAtom();
      if ('set' in low || 'set' in high) {
        out += `${inside(low)}\\-${inside(high)}`;
      } else if (high.point < low.point) {
        throw new PatternError('the range is out of order', position);
      } else {
        out += `${inside(low)}-${inside(high)}`;
      }
    }
    if (out === '') {
      return head === '[' ? `[^${anything}]` : `[${anything}]`;
    }
    return `${head}${out}]`;
  }

  #classAtom(): Atom {
    return this.#source[this.#at] === '\\' ? this.#escape(true) : { point: this.#point() };
  }

  #escape(inClass: boolean): Atom {
    const start = this.#at++;
    const rest = this.#source.slice(this.#at, this.#at + 10);
    const char = rest[0];
    const take = (length: number, atom: Atom): Atom => {
      this.#at += length;
      return atom;
    };
    switch (char) {
      case undefined:
        throw new PatternError('the escape is not complete', start);
      case 'd':
      case 'D':
      case 'w':
      case 'W':
        return take(1, { set: `\\${char}` });
      case 's':
        return take(1, { set: space });
      case 'S':
        return take(1, { set: notSpace });
      case 't':
        return take(1, { point: 0x09 });
      case 'n':
        return take(1, { point: 0x0a });
      case 'v':
        return take(1, { point: 0x0b });
      case 'f':
        return take(1, { point: 0x0c });
      case 'r':
        return take(1, { point: 0x0d });
      case 'p':
      case 'P':
        return this.#property(start, char);
      case 'b':
        if (inClass) {
          return take(1, { point: 0x08 });
        }
    }
    const control = /^c([A-Za-z])/.exec(rest);
    if (control !== null) {
      return take(2, { point: control[1]!.charCodeAt(0) % 32 });
    }
    const code = /^(?:x([\dA-Fa-f]{2})|u([\dA-Fa-f]{4})|u\{([\dA-Fa-f]{1,6})\})/.exec(rest);
    if (code !== null) {
      const point = Number.parseInt(code[1] ?? code[2] ?? code[3]!, 16);
      if (point > 0x10ffff) {
        throw new PatternError('there is no such character', start);
      }
      const trail = /^u[dD][89ABab][\dA-Fa-f]{2}\\u([dD][C-Fc-f][\dA-Fa-f]{2})/.exec(
        this.#source.slice(this.#at, this.#at + 12),
      );
      return trail === null
        ? take(code[0].length, { point })
        : take(11, { point: 0x10000 + ((point & 0x3ff) << 10) + (Number.parseInt(trail[1]!, 16) & 0x3ff) });
    }
    if (/^0(?!\d)/.test(rest)) {
      return take(1, { point: 0 });
    }
    if (!inClass && /^(?:[1-9]|k<)/.test(rest)) {
      throw new PatternError('back-references are not supported', start);
    }
    if (/^[\dA-Za-z]/.test(rest)) {
      throw new PatternError(`the escape \\${char} is not known`, start);
    }
    return { point: this.#point() };
  }

  #property(start: number, letter: string): Atom {
    const found = /^[pP]\{(?:(gc|General_Category|sc|Script)=)?([A-Za-z_]+)\}/.exec(
      this.#source.slice(this.#at, this.#at + 64),
    );
    if (found === null) {
      throw new PatternError('the property is not known', start);
    }
    this.#at += found[0].length;
    const name = found[2]!;
    if (name === 'Any' || name === 'ASCII') {
      const [all, none] = name === 'Any' ? [anything, ''] : ['\\x00-\\x7f', '\\x{80}-\\x{10ffff}'];
      return { set: letter === 'p' ? all : none };
    }
    const set = `\\${letter}{${Object.hasOwn(categories, name) ? categories[name] : name}}`;
    try {
      RE2JS.compile(set);
    } catch {
      throw new PatternError(`the property ${name} is not known`, start);
    }
    return { set };
  }
}

function outside(atom: Atom): string {
  if ('point' in atom) {
    return literal(atom.point);
  }
  return atom.set === '' ? `[^${anything}]` : `[${atom.set}]`;
}

function inside(atom: Atom): string {
  return 'point' in atom ? literal(atom.point) : atom.set;
}

/** A code point that means itself, inside and outside of classes. */
function literal(point: number): string {
  const plain =
    (point >= 0x30 && point <= 0x39) || (point >= 0x41 && point <= 0x5a) || (point >= 0x61 && point <= 0x7a);
  return plain ? String.fromCodePoint(point) : `\\x{${point.toString(16)}}`;
}
