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

/** A plain name as it is, a keyword in quotes: for SQL that people read. */
export function writeName(name: string): string {
  return isPlainName(name) && !keywords.has(name.toUpperCase()) ? name : quoteName(name);
}

// SQLite, "SQLite Keywords": those that cannot be names, and some that read badly as such.
const keywords = new Set(
  `ADD ALL ALTER AND AS ASC AUTOINCREMENT BETWEEN BY CASE CHECK COLLATE COLUMN COMMIT CONSTRAINT CREATE CROSS CURRENT
  CURRENT_DATE CURRENT_TIME CURRENT_TIMESTAMP DATABASE DEFAULT DEFERRABLE DELETE DESC DISTINCT DROP EACH ELSE END ESCAPE
  EXCEPT EXISTS FILTER FOREIGN FROM FULL GENERATED GLOB GROUP HAVING IF IN INDEX INDEXED INNER INSERT INTERSECT INTO IS
  ISNULL JOIN KEY LEFT LIKE LIMIT MATCH NATURAL NOT NOTHING NOTNULL NULL OFFSET ON OR ORDER OUTER OVER PARTITION PLAN
  PRAGMA PRIMARY QUERY RAISE RANGE RECURSIVE REFERENCES REGEXP REINDEX RELEASE RENAME REPLACE RETURNING RIGHT ROLLBACK ROW
  ROWS SAVEPOINT SELECT SET TABLE TEMP THEN TO TRANSACTION TRIGGER UNION UNIQUE UPDATE USING VACUUM VALUES VIEW VIRTUAL
  WHEN WHERE WINDOW WITH WITHOUT`.split(/\s+/),
);
