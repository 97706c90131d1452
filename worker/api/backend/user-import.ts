import { Type } from 'typebox';
import type { Call, Input } from '../../core/call.ts';
import { ApiError } from '../../core/errors.ts';
import type { SystemOperation } from '../../core/system-operation.ts';
import { secretsOf } from '../../lib/derive.ts';
import { isUsableHash } from '../../lib/password.ts';
import { isUniqueViolation } from '../../lib/platform-failure.ts';
import { checkGrants, checkRole } from '../../resources/authority.ts';
import { actorOf } from '../../resources/crud.ts';
import type { Row } from '../../resources/define.ts';
import { openView } from '../../resources/index.ts';
import { auditRow } from '../../resources/statements.ts';
import { isMailAddress } from '../../resources/user.ts';
import type { View } from '../../resources/view.ts';

/** Users of one request. */
const mostUsers = 1000;

const text = (description: string, maxLength = 255) =>
  Type.Optional(Type.Unsafe<string | null>({ type: ['string', 'null'], description, maxLength }));

const incoming = Type.Object({
  users: Type.Array(
    Type.Object({
      name: Type.String({ description: 'User name' }),
      email: text('Mail address'),
      passwordHash: text(
        'bcrypt ($2y$, $2a$, $2b$) of cost 4 to 14, or a stored password of ours; none: no login by password',
      ),
      role: text('Name of the role; else the one that the configuration gives new users'),
      plan: text('Name of the plan'),
      status: Type.Optional(Type.Integer({ minimum: 1, maximum: 2, description: '1 active, 2 disabled' })),
      points: Type.Optional(Type.Integer({ minimum: 0, description: 'Points left' })),
      scopes: Type.Optional(
        Type.Array(Type.String(), {
          description: 'Scopes; else those of the role. What does not exist here is dropped',
        }),
      ),
      metadata: Type.Optional(Type.Object({}, { description: 'Keys and values of your own' })),
      date: text('When the user was created, ISO 8601'),
    }),
    { maxItems: mostUsers },
  ),
  plan: Type.Optional(Type.Boolean({ description: 'Say what would be done, add nobody' })),
});

const outgoing = Type.Object({
  plan: Type.Boolean(),
  created: Type.Integer(),
  existing: Type.Array(Type.Object({ row: Type.Integer(), name: Type.String() }), {
    description: 'Users whose name is taken: they stay as they are',
  }),
  rejected: Type.Array(
    Type.Object({
      row: Type.Integer({ description: 'Position in the list, from 0' }),
      name: Type.String(),
      pointer: Type.String(),
      rule: Type.String(),
      message: Type.String(),
    }),
  ),
  dropped: Type.Array(Type.Object({ row: Type.Integer(), name: Type.String(), scopes: Type.Array(Type.String()) }), {
    description: 'Scopes that do not exist here',
  }),
});

interface Imported {
  name: string;
  email?: string | null;
  passwordHash?: string | null;
  role?: string | null;
  plan?: string | null;
  status?: number;
  points?: number;
  scopes?: string[];
  metadata?: Record<string, unknown>;
  date?: string | null;
}

type Fault = { pointer: string; rule: string; message: string };

/**
 * `POST /backend/user/import`: users of another system with the hashes of their passwords, which nothing ever shows again. Only
 * for administrators. Rows that break a rule are named and left out; the others are added in one batch. No event is raised, for nobody
 * has registered.
 */
export const userImportOperation: SystemOperation = {
  name: 'backend.user.import',
  method: 'POST',
  path: '/backend/user/import',
  description:
    'Adds users of another system with the hashes of their passwords; each is hashed anew when its owner logs in',
  scope: 'backend.user',
  options: { bodyLimit: 1_500_000 },
  incoming,
  outgoing,
  run: importUsers,
};

async function importUsers(call: Call, input: Input) {
  const { users, plan = false } = input.body as { users: Imported[]; plan?: boolean };
  const { env } = call.runtime;
  const actor = actorOf(call);
  const view = openView(env, call.tenant, actor, call.runtime.now());
  await checkAdministrator(view);
  const present = await taken(call, users);
  const given = await giving(view, users);
  const secrets = secretsOf(env);
  const rows: Row[] = [];
  const existing: { row: number; name: string }[] = [];
  const rejected: ({ row: number; name: string } & Fault)[] = [];
  const dropped: { row: number; name: string; scopes: string[] }[] = [];
  for (const [row, user] of users.entries()) {
    const { name } = user;
    if (present.names.has(name)) {
      existing.push({ row, name });
      continue;
    }
    const fault = faultOf(user, secrets, present.mails, rows) ?? given.fault(user);
    if (fault !== null) {
      rejected.push({ row, name, ...fault });
      continue;
    }
    const unknown = (user.scopes ?? []).filter((scope) => !given.scopes.has(scope));
    if (unknown.length > 0) {
      dropped.push({ row, name, scopes: unknown });
    }
    rows.push(given.row(user));
  }
  if (!plan && rows.length > 0) {
    const date = new Date(view.now).toISOString();
    const audit = auditRow(call.tenant, actor, date, 'user.import', null, {
      message: `Imported ${rows.length} users`,
      content: { users: rows.slice(0, 100).map((row) => row.name) },
    });
    await insert(env.DB, call.tenant, rows, audit as Record<string, unknown>);
  }
  return { plan, created: rows.length, existing, rejected, dropped };
}

/** Who brings a hash knows, or may learn, its password. Roles and scopes that the token could not give are refused as well (`giving`). */
async function checkAdministrator(view: View): Promise<void> {
  const [role, self] = await Promise.all([
    view.by('role', 'name', 'Administrator'),
    view.get('user', view.actor.userId),
  ]);
  if (role === undefined || self?.status !== 1 || self.role_id !== role.id) {
    throw new ApiError('forbidden', 'Only administrators import users');
  }
}

/** Names and mail addresses of the list that users here have already. */
async function taken(call: Call, users: readonly Imported[]) {
  const { results } = await call.runtime.env.DB.prepare(
    `SELECT name, email FROM user WHERE tenant_id = ?1 AND status > 0 AND name IN (SELECT value FROM json_each(?2))
     UNION SELECT name, email FROM user WHERE tenant_id = ?1 AND status > 0 AND email IN (SELECT value FROM json_each(?3))`,
  )
    .bind(
      call.tenant,
      JSON.stringify(users.map(({ name }) => name)),
      JSON.stringify(users.map(({ email }) => email ?? null)),
    )
    .all<{ name: string; email: string | null }>();
  return {
    names: new Set(results.map(({ name }) => name)),
    mails: new Set(results.flatMap(({ email }) => (email === null ? [] : [email]))),
  };
}

function faultOf(user: Imported, secrets: ReturnType<typeof secretsOf>, mails: Set<string>, rows: Row[]): Fault | null {
  const fault = (pointer: string, rule: string, message: string) => ({ pointer: `/${pointer}`, rule, message });
  const { name, email = null, passwordHash = null, date = null } = user;
  if (!/^[a-zA-Z0-9_.-]{3,64}$/.test(name)) {
    return fault('name', 'pattern', 'User name must match the pattern [a-zA-Z0-9_.-]{3,64}');
  }
  if (rows.some((row) => row.name === name)) {
    return fault('name', 'unique', 'The name is in the list twice');
  }
  if (email !== null && !isMailAddress(email)) {
    return fault('email', 'format', 'Invalid email format');
  }
  if (email !== null && (mails.has(email) || rows.some((row) => row.email === email))) {
    return fault('email', 'unique', 'User email already exists');
  }
  if (passwordHash !== null && !isUsableHash(passwordHash, secrets)) {
    return fault('passwordHash', 'format', 'Must be bcrypt of cost 4 to 14, or a stored password of this installation');
  }
  return date !== null && Number.isNaN(Date.parse(date)) ? fault('date', 'date-time', 'Must be a date') : null;
}

/** What roles, plans and scopes the rows name, and whether the importer may give them. */
async function giving(view: View, users: readonly Imported[]) {
  const initial = String((await view.by('config', 'name', 'role_default'))?.value ?? 'Consumer');
  const points = Number((await view.by('config', 'name', 'points_default'))?.value ?? 0);
  const named = (names: (string | null | undefined)[]) => [
    ...new Set(names.filter((name) => typeof name === 'string')),
  ];
  const roles = new Map<string, Row>();
  for (const name of named([initial, ...users.map(({ role }) => role)])) {
    const role = await view.by('role', 'name', name);
    if (role?.status === 1) {
      await checkRole(view, role);
      roles.set(name, role);
    }
  }
  const plans = new Map<string, Row>();
  for (const name of named(users.map(({ plan }) => plan))) {
    const plan = await view.by('plan', 'name', name);
    if (plan?.status === 1) {
      await checkGrants(view, plan.scopes ?? []);
      plans.set(name, plan);
    }
  }
  const wanted = named(users.flatMap(({ scopes }) => scopes ?? []));
  await view.prefetch('scope', 'name', wanted);
  const scopes = new Set<string>();
  for (const name of wanted) {
    if ((await view.by('scope', 'name', name)) !== undefined) {
      scopes.add(name);
    }
  }
  await checkGrants(view, [...scopes]);
  return {
    scopes,
    fault({ role, plan }: Imported): Fault | null {
      if (!roles.has(role ?? initial)) {
        return { pointer: '/role', rule: 'reference', message: `The role "${role ?? initial}" does not exist` };
      }
      return plan !== undefined && plan !== null && !plans.has(plan)
        ? { pointer: '/plan', rule: 'reference', message: `The plan "${plan}" does not exist` }
        : null;
    },
    row(user: Imported): Row {
      const role = roles.get(user.role ?? initial)!;
      const date = new Date(user.date ?? view.now).toISOString().replace(/\.\d+Z$/, 'Z');
      return {
        role_id: role.id,
        plan_id: plans.get(user.plan ?? '')?.id ?? null,
        status: user.status ?? 1,
        name: user.name,
        email: user.email ?? null,
        password: user.passwordHash ?? null,
        points: user.points ?? points,
        scopes: user.scopes?.filter((scope) => scopes.has(scope)) ?? role.scopes ?? [],
        metadata: user.metadata ?? null,
        date,
      } as unknown as Row;
    },
  };
}

/** One batch: all rows or none. */
async function insert(db: D1Database, tenant: string, rows: Row[], audit: Record<string, unknown>): Promise<void> {
  const columns = ['role_id', 'plan_id', 'status', 'name', 'email', 'password', 'points', 'scopes', 'metadata', 'date'];
  // `->` keeps JSON as text, where `->>` would turn null into NULL and texts into themselves.
  const values = columns.map((column) =>
    column === 'scopes' || column === 'metadata' ? `nullif(value -> '$.${column}', 'null')` : `value ->> '$.${column}'`,
  );
  const members = Object.keys(audit);
  try {
    await db.batch([
      db
        .prepare(
          `INSERT INTO user (tenant_id, ${columns.join(', ')}) SELECT ?1, ${values.join(', ')} FROM json_each(?2)`,
        )
        .bind(tenant, JSON.stringify(rows)),
      db
        .prepare(`INSERT INTO audit (${members.join(', ')}) VALUES (${members.map(() => '?').join(', ')})`)
        .bind(...members.map((member) => bound(audit[member]))),
    ]);
  } catch (thrown) {
    throw isUniqueViolation(thrown)
      ? new ApiError('conflict', 'Somebody added one of these users at the same moment: import them again')
      : thrown;
  }
}

function bound(value: unknown): unknown {
  return typeof value === 'object' && value !== null ? JSON.stringify(value) : (value ?? null);
}
