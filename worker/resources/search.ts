import { and, eq, gt, like, lt, not, or, type SQL, sql } from 'drizzle-orm';

/**
 * Fusio's search language: words, "strings", `field:value`, `field>value`, `field<value`, AND, OR, NOT, parentheses; words
 * side by side mean AND. Text columns contain the value, others equal it; `>` and `<` compare numbers and dates.
 */
export type Query =
  | { kind: 'and' | 'or'; parts: Query[] }
  | { kind: 'not'; part: Query }
  | { kind: 'term'; field: string | null; operator: ':' | '>' | '<'; value: string };

export type SearchResult = { ok: true; query: Query } | { ok: false; position: number; message: string };

interface Token {
  kind: 'word' | 'string' | '(' | ')' | ':' | '>' | '<' | 'end';
  text: string;
  position: number;
}

/** Parses a search; an error names the character (from 0) that it stopped at. */
export function parseSearch(text: string): SearchResult {
  const tokens = tokenize(text);
  if (!Array.isArray(tokens)) {
    return tokens;
  }
  let index = 0;
  let depth = 0;
  const peek = () => tokens[index]!;
  const keyword = (word: string) => peek().kind === 'word' && peek().text.toUpperCase() === word;
  const fail = (message: string): never => {
    throw Object.assign(new Error(message), { position: peek().position });
  };
  const any = (): Query => {
    const parts = [all()];
    while (keyword('OR')) {
      index++;
      parts.push(all());
    }
    return parts.length === 1 ? parts[0]! : { kind: 'or', parts };
  };
  const all = (): Query => {
    const parts = [negated()];
    while (keyword('AND') || ['word', 'string', '('].includes(peek().kind)) {
      if (keyword('OR')) {
        break;
      }
      if (keyword('AND')) {
        index++;
      }
      parts.push(negated());
    }
    return parts.length === 1 ? parts[0]! : { kind: 'and', parts };
  };
  const negated = (): Query => {
    if (keyword('NOT')) {
      index++;
      return { kind: 'not', part: negated() };
    }
    return primary();
  };
  const primary = (): Query => {
    const token = peek();
    if (token.kind === '(') {
      if (++depth > 32) {
        fail('too many nested parentheses');
      }
      index++;
      const inner = any();
      if (peek().kind !== ')') {
        fail('a closing parenthesis is missing');
      }
      index++;
      depth--;
      return inner;
    }
    if ((token.kind !== 'word' && token.kind !== 'string') || keyword('AND') || keyword('OR')) {
      fail(token.kind === 'end' ? 'a word is missing at the end' : `"${token.text}" is not expected here`);
    }
    index++;
    const operator = peek().kind;
    if (token.kind === 'word' && (operator === ':' || operator === '>' || operator === '<')) {
      index++;
      const value = peek();
      if (value.kind !== 'word' && value.kind !== 'string') {
        fail(`a value for ${token.text} is missing`);
      }
      index++;
      return { kind: 'term', field: token.text, operator, value: value.text };
    }
    return { kind: 'term', field: null, operator: ':', value: token.text };
  };
  try {
    const query = any();
    if (peek().kind !== 'end') {
      fail(`"${peek().text}" is not expected here`);
    }
    return { ok: true, query };
  } catch (thrown) {
    const { message, position } = thrown as Error & { position: number };
    return { ok: false, position, message };
  }
}

function tokenize(text: string): Token[] | { ok: false; position: number; message: string } {
  const tokens: Token[] = [];
  let position = 0;
  while (position < text.length) {
    const character = text[position]!;
    if (/\s/.test(character)) {
      position++;
    } else if ('():<>'.includes(character)) {
      tokens.push({ kind: character as Token['kind'], text: character, position });
      position++;
    } else if (character === '"') {
      const end = text.indexOf('"', position + 1);
      if (end < 0) {
        return { ok: false, position, message: 'the string is not closed' };
      }
      tokens.push({ kind: 'string', text: text.slice(position + 1, end), position });
      position = end + 1;
    } else {
      const word = /^[^\s():<>"]+/.exec(text.slice(position))![0];
      tokens.push({ kind: 'word', text: word, position });
      position += word.length;
    }
  }
  tokens.push({ kind: 'end', text: '', position });
  return tokens;
}

/** Turns a query into bound SQL over the given columns. Fields that the list does not have match everything, as in Fusio. */
export function searchCondition(query: Query, columns: Record<string, any>, bare: string): SQL | undefined {
  switch (query.kind) {
    case 'and':
      return and(...query.parts.map((part) => searchCondition(part, columns, bare)));
    case 'or': {
      const parts = query.parts.map((part) => searchCondition(part, columns, bare));
      return parts.some((part) => part === undefined) ? undefined : or(...parts);
    }
    case 'not': {
      const part = searchCondition(query.part, columns, bare);
      return part === undefined ? undefined : not(part);
    }
    default: {
      const column = columns[query.field ?? bare];
      if (column === undefined) {
        return undefined;
      }
      return term(column, query.operator, query.value);
    }
  }
}

function term(column: any, operator: ':' | '>' | '<', value: string): SQL | undefined {
  if (operator === ':') {
    if (column.dataType === 'string') {
      return contains(column, value);
    }
    if (column.dataType === 'boolean') {
      return eq(column, value === '1' || value.toLowerCase() === 'true');
    }
    return Number.isFinite(Number(value)) ? eq(column, Number(value)) : sql`false`;
  }
  const date = /date$/.test(column.name);
  if (!date && (column.dataType !== 'number' || !Number.isFinite(Number(value)))) {
    return undefined;
  }
  const bound = date ? value : Number(value);
  return operator === '>' ? gt(column, bound) : lt(column, bound);
}

/**
 * Literal containment. D1 refuses LIKE patterns over 50 bytes, and LIKE reads no further than a NUL: such values use instr() over
 * lower case.
 */
function contains(column: any, value: string): SQL {
  const escaped = value.replace(/[\\%_]/g, '\\$&');
  return new TextEncoder().encode(escaped).length <= 46 && !value.includes('\0')
    ? sql`${like(column, `%${escaped}%`)} ESCAPE '\\'`
    : sql`instr(lower(${column}), lower(${value})) > 0`;
}
