// What could move a cursor, colour a terminal, split a line or turn the reading direction: C0, DEL, C1, zero-width and
// bidirectional controls, line and paragraph separators, the byte order mark.
const controls =
  /[\u0000-\u001f\u007f-\u009f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]|\udb40[\udc00-\udc7f]/g;
const controlsButLines =
  /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]|\udb40[\udc00-\udc7f]/g;

/**
 * A text from outside made inert for one line of a log or a terminal: every control character as `\uXXXX`, lone
 * surrogates replaced. Applied to JSON text it gives JSON of the same value.
 */
export function printable(text: string): string {
  return text.toWellFormed().replace(controls, escaped);
}

/** The same for texts that may have lines: line feeds and tabs stay. */
export function printableLines(text: string): string {
  return text.toWellFormed().replace(controlsButLines, escaped);
}

/** At most `limit` UTF-16 units of a text, never half a character. */
export function cut(text: string, limit: number): string {
  if (text.length <= limit) {
    return text;
  }
  const last = text.charCodeAt(limit - 1);
  return text.slice(0, last >= 0xd800 && last <= 0xdbff ? limit - 1 : limit);
}

function escaped(control: string): string {
  let text = '';
  for (let at = 0; at < control.length; at++) {
    text += `\\u${control.charCodeAt(at).toString(16).padStart(4, '0')}`;
  }
  return text;
}
