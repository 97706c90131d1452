import { Failure } from '../failure.ts';
import { type Dump, type DumpRow, readDump } from './dump.ts';
import type { Note } from './source.ts';

/** A user as `/backend/user/import` takes it. */
export interface ImportedUser {
  name: string;
  email: string | null;
  passwordHash: string | null;
  role?: string;
  status: number;
  points?: number;
  scopes?: string[];
  metadata?: unknown;
  date: string | null;
}

/** What every Fusio has since roles exist. */
const fusioRoles: Record<string, string> = { 1: 'Administrator', 2: 'Backend', 3: 'Consumer' };

/**
 * The users of a dump of Fusio's database, or of its table `fusio_user` alone. `roles` gives names to the numbers of roles; a dump
 * with `fusio_role` or with `fusio_scope` and `fusio_user_scope` says itself.
 */
export function readUsers(
  file: string,
  text: string,
  options: { columns: readonly string[]; roles: Readonly<Record<string, string>> },
): { users: ImportedUser[]; notes: Note[] } {
  const dump = readDump(file, text, 'fusio_user', options.columns);
  const rows = table(dump, 'user');
  if (rows === undefined || rows.length === 0) {
    throw new Failure('usage', `${file} holds no rows of the table fusio_user`);
  }
  const notes: Note[] = [];
  const names = table(dump, 'role')?.map((role) => [String(role.id), String(role.name)]) ?? [];
  const roles = { ...fusioRoles, ...Object.fromEntries(names), ...options.roles };
  const scopes = scopesOf(dump);
  if (scopes === null) {
    const message =
      'the dump holds none: users get those of their role (add fusio_scope and fusio_user_scope for their own)';
    notes.push({ kind: 'translated', about: 'scopes of users', message });
  }
  const users = rows.flatMap((row) => {
    const user = userOf(row, roles, scopes, notes);
    return user === null ? [] : [user];
  });
  return { users, notes };
}

function userOf(
  row: DumpRow,
  roles: Readonly<Record<string, string>>,
  scopes: Map<string, string[]> | null,
  notes: Note[],
): ImportedUser | null {
  const name = String(row.name ?? '');
  const about = `user ${name}`;
  const status = Number(row.status ?? 1);
  // Before roles, the status said who is an administrator (1) and who a consumer (0); since then 0 means deleted.
  const old = !('role_id' in row) && !('roleId' in row);
  if (old ? status > 2 : status !== 1 && status !== 2) {
    notes.push({ kind: 'left out', about, message: 'it was deleted' });
    return null;
  }
  const password =
    row.password === null || row.password === undefined || row.password === '' ? null : String(row.password);
  if (password === null) {
    notes.push({
      kind: 'replace',
      about,
      message: 'it has no password: set one, or let it log in with an identity provider',
    });
  }
  const roleId = String(row.role_id ?? row.roleId ?? '');
  const role = old ? (status === 1 ? 'Administrator' : 'Consumer') : (roles[roleId] ?? `number ${roleId}`);
  const given = scopes?.get(String(row.id));
  const points = Number(row.points ?? 0);
  const metadata = parsed(row.metadata);
  return {
    name,
    email: text(row.email),
    passwordHash: password,
    role,
    status: status === 2 ? 2 : 1,
    ...(Number.isInteger(points) && points > 0 ? { points } : {}),
    ...(scopes === null ? {} : { scopes: given ?? [] }),
    ...(metadata === null ? {} : { metadata }),
    date: dateOf(row.date),
  };
}

/** Names of scopes by the user's id; null when the dump does not say. */
function scopesOf(dump: Dump): Map<string, string[]> | null {
  const [scopes, given] = [table(dump, 'scope'), table(dump, 'user_scope')];
  if (scopes === undefined || given === undefined) {
    return null;
  }
  const names = new Map(scopes.map((scope) => [String(scope.id), String(scope.name)]));
  const users = new Map<string, string[]>();
  for (const { user_id, scope_id } of given) {
    const name = names.get(String(scope_id));
    if (name !== undefined) {
      users.set(String(user_id), [...(users.get(String(user_id)) ?? []), name]);
    }
  }
  return users;
}

/** The prefix of the tables is Fusio's, or none. */
function table(dump: Dump, name: string): DumpRow[] | undefined {
  return dump.get(`fusio_${name}`) ?? dump.get(name);
}

function text(value: unknown): string | null {
  return value === null || value === undefined || value === '' ? null : String(value);
}

function parsed(value: unknown): unknown {
  if (typeof value !== 'string') {
    return typeof value === 'object' && !Array.isArray(value) ? (value ?? null) : null;
  }
  try {
    const read: unknown = JSON.parse(value);
    return typeof read === 'object' && !Array.isArray(read) ? read : null;
  } catch {
    return null;
  }
}

/** `2024-01-31 12:00:00`, which Fusio's database has in UTC. */
function dateOf(value: unknown): string | null {
  const written = text(value)?.replace(/^(\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d)(?:\.\d+)?$/, '$1T$2Z');
  return written === undefined || Number.isNaN(Date.parse(written)) ? null : new Date(written).toISOString();
}
