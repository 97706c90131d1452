import { tokenize } from './tokens.ts';

/** A query whose placeholders became `?1`, `?2`, …: one for each name and form. */
export interface SqlTemplate {
  sql: string;
  parameters: TemplateParameter[];
}

export interface TemplateParameter {
  name: string;
  /** The value is searched for: with anything before it, after it. */
  before: boolean;
  after: boolean;
  /** It stands behind LIKE, where `%`, `_` and the backslash in a value are escaped. */
  pattern: boolean;
}

/**
 * Reads a query with placeholders: `{name}`, `{%name}`, `{name%}`, `{%name%}` (Fusio) and `:name` (JQL). Inside strings, quoted
 * names and comments nothing is replaced. Behind LIKE a value is literal: an ESCAPE is added where there is none. Throws a
 * plain Error that says what is wrong: more than one statement, an unclosed string, other kinds of parameters.
 */
export function readSqlTemplate(text: string): SqlTemplate {
  const tokens = tokenize(text.replace(/[;\s]+$/, '')).map((token) =>
    token.kind === 'comment' ? { kind: token.kind, text: ' ' } : token,
  );
  const parameters: TemplateParameter[] = [];
  let sql = '';
  let last = '';
  let depth = 0;
  for (const [index, { kind, text: part }] of tokens.entries()) {
    if (kind === 'placeholder') {
      const [, before, name, after] = /^[{:](%?)(\w+?)(%?)\}?$/.exec(part)!;
      const next = tokens.slice(index + 1).find(({ text: other }) => other.trim() !== '');
      const pattern = last === 'LIKE';
      const escaped = pattern && next?.text.toUpperCase() !== 'ESCAPE';
      const parameter = { name: name!, before: before === '%', after: after === '%', pattern: escaped };
      sql += `?${numberOf(parameters, parameter)}${escaped ? " ESCAPE '\\'" : ''}`;
    } else if (kind === 'other' && '\'"`['.includes(part)) {
      throw new Error(`The query has a ${part} that is not closed`);
    } else if (kind === 'other' && part === ';') {
      throw new Error('The query must be one statement');
    } else if (kind === 'other' && '?@$'.includes(part)) {
      throw new Error(`The query has a parameter that begins with ${part}: write {name} or :name`);
    } else {
      sql += part;
      depth += kind !== 'other' ? 0 : part === '(' ? 1 : part === ')' ? -1 : 0;
      if (depth < 0) {
        // It would end the query that this one becomes a part of.
        throw new Error('The query has a ) without its (');
      }
    }
    if (part.trim() !== '') {
      last = part.toUpperCase();
    }
  }
  if (depth > 0) {
    throw new Error('The query has a ( without its )');
  }
  if (!/^\s*(?:SELECT|WITH|VALUES)\b/i.test(sql)) {
    throw new Error('The query must begin with SELECT, WITH or VALUES');
  }
  return { sql, parameters };
}

function numberOf(parameters: TemplateParameter[], wanted: TemplateParameter): number {
  const same = (one: TemplateParameter) =>
    one.name === wanted.name &&
    one.before === wanted.before &&
    one.after === wanted.after &&
    one.pattern === wanted.pattern;
  const known = parameters.findIndex(same);
  return known >= 0 ? known + 1 : parameters.push(wanted);
}

/** The value that a parameter binds. */
export function templateValue({ before, after, pattern }: TemplateParameter, value: unknown): string | number | null {
  const plain = value === undefined ? null : typeof value === 'boolean' ? Number(value) : value;
  if (plain === null || (typeof plain === 'number' && !pattern && !before && !after)) {
    return plain as number | null;
  }
  const text = typeof plain === 'object' ? JSON.stringify(plain) : String(plain);
  const literal = pattern ? text.replace(/[\\%_]/g, '\\$&') : text;
  return `${before ? '%' : ''}${literal}${after ? '%' : ''}`;
}
