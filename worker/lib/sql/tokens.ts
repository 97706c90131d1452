export interface Token {
  kind: 'string' | 'name' | 'comment' | 'word' | 'placeholder' | 'other';
  text: string;
}

// A string, a quoted name, a comment, a placeholder, a word, or one other character.
const pattern =
  /(?<string>'(?:[^']|'')*')|(?<name>"(?:[^"]|"")*"|`(?:[^`]|``)*`|\[[^\]]*\])|(?<comment>--[^\n]*|\/\*[\s\S]*?(?:\*\/|$))|(?<placeholder>\{%?[A-Za-z_]\w*%?\}|(?<![:\w]):[A-Za-z_]\w*)|(?<word>[A-Za-z_]\w*)|[\s\S]/g;

/** Cuts SQL into tokens as SQLite does, coarsely: what is inside strings, quoted names and comments is no SQL. */
export function tokenize(sql: string): Token[] {
  return [...sql.matchAll(pattern)].map(({ 0: text, groups }) => {
    const [kind] = Object.entries(groups!).find(([, found]) => found !== undefined) ?? ['other'];
    return { kind: kind as Token['kind'], text };
  });
}

/** A script's statements, without their semicolons and without comments; a trigger's body stays whole. */
export function splitStatements(sql: string): string[] {
  const statements: string[] = [];
  let text = '';
  let words: string[] = [];
  let depth = 0;
  const finish = () => {
    if (words.length > 0) {
      statements.push(text.trim());
    }
    text = '';
    words = [];
    depth = 0;
  };
  for (const { kind, text: part } of tokenize(sql)) {
    if (kind === 'comment') {
      text += ' ';
    } else if (part === ';' && depth === 0) {
      finish();
    } else {
      text += part;
      if (kind === 'word') {
        const word = part.toUpperCase();
        words.push(word);
        depth += triggerDepth(words, word);
      }
    }
  }
  finish();
  return statements;
}

/** A trigger's statements stand between BEGIN and END, and so do the branches of CASE. */
function triggerDepth(words: string[], word: string): number {
  if (words[0] !== 'CREATE' || !words.slice(1, 3).includes('TRIGGER')) {
    return 0;
  }
  return word === 'BEGIN' || word === 'CASE' ? 1 : word === 'END' ? -1 : 0;
}
