/** Tables that belong to the platform or to Postern's own bookkeeping: no caller sees or reaches them. */
export function isReservedTable(name: string): boolean {
  return /^(?:sqlite_|_cf_|d1_|_postern)/i.test(name);
}

/** Whether a new table, column or index may have the name. What exists already may be called otherwise. */
export function isPlainName(name: string): boolean {
  return /^[A-Za-z_][A-Za-z0-9_]{0,62}$/.test(name);
}

/** A name as SQLite reads it whatever its characters; only names that introspection gave, or plain ones, belong here. */
export function quoteName(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

/** A text as a literal, for the few places where nothing can be bound (defaults of columns). */
export function quoteText(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}
