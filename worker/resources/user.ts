import { sql } from 'drizzle-orm';
import { integer, sqliteTable, text, uniqueIndex } from 'drizzle-orm/sqlite-core';
import { Type } from 'typebox';
import { ApiError, invalidAt } from '../core/errors.ts';
import { hashPassword } from '../lib/password.ts';
import { apps } from './app.ts';
import { checkGrants, checkRole } from './authority.ts';
import { identity, json, uniqueActive } from './columns.ts';
import { defineResource, metadataField, nameField, type Row } from './define.ts';
import { checkScopes } from './scope-check.ts';
import type { View } from './view.ts';

export const users = sqliteTable(
  'user',
  {
    ...identity,
    role_id: integer().notNull(),
    plan_id: integer(),
    identity_id: integer(),
    remote_id: text(),
    external_id: text(),
    name: text().notNull(),
    email: text(),
    /** PHC string; null for users of an identity provider. */
    password: text(),
    points: integer().notNull().default(0),
    scopes: json().notNull(),
    metadata: json(),
    date: text().notNull(),
  },
  (table) => [
    uniqueActive('user_name', table, 'name'),
    uniqueIndex('user_email').on(table.tenant_id, table.email).where(sql`status > 0`),
  ],
);

/** An account: an administrator, a developer of a consumer app, or a consumer. */
export const user = defineResource({
  name: 'user',
  title: 'User',
  description: 'An account that logs in, owns apps and calls operations.',
  table: users,
  versioned: false,
  unique: { name: 'User name already exists', email: 'User email already exists' },
  fields: {
    roleId: { schema: Type.Integer({ description: 'Role' }), list: true, required: 'User role id must not be empty' },
    planId: { schema: Type.Integer({ description: 'Plan' }), list: true },
    status: {
      schema: Type.Integer({ description: '1 active, 2 disabled', minimum: 0, maximum: 2 }),
      list: true,
      initial: 1,
    },
    name: nameField('a-zA-Z0-9_.-', 3, 64),
    email: { schema: Type.String({ description: 'Mail address', maxLength: 255 }), list: true },
    password: { schema: Type.String({ description: 'Password, at least 8 printable ASCII characters' }), hidden: true },
    points: {
      schema: Type.Integer({ description: 'Points left; a new user gets what the configuration says', minimum: 0 }),
      list: true,
      initial: 0,
    },
    scopes: { schema: Type.Array(Type.String(), { description: 'Scopes' }), initial: null },
    apps: { schema: Type.Array(Type.Unknown(), { description: 'Own apps' }), readonly: true, virtual: true },
    externalId: { schema: Type.String({ description: 'Customer id of the payment provider' }), readonly: true },
    metadata: metadataField,
    date: { schema: Type.String({ description: 'When the user was created' }), list: true, readonly: true },
  },
  async prepare({ view, row, before, data }) {
    if (before === undefined) {
      row.date = new Date(view.now).toISOString().replace(/\.\d+Z$/, 'Z');
    }
    const role = await view.get('role', row.role_id);
    if (role === undefined || role.status !== 1) {
      throw invalidAt('/roleId', 'Provided role id does not exist');
    }
    if (row.role_id !== before?.role_id) {
      await checkRole(view, role);
    }
    const plan = row.plan_id === null ? undefined : await view.get('plan', row.plan_id);
    if (row.plan_id !== null && row.plan_id !== before?.plan_id && plan?.status !== 1) {
      throw invalidAt('/planId', 'Provided plan id does not exist');
    }
    if (plan !== undefined && row.plan_id !== before?.plan_id) {
      await checkGrants(view, plan.scopes);
    }
    if (row.email !== null && row.email !== undefined && !isMailAddress(row.email)) {
      throw invalidAt('/email', 'Invalid email format');
    }
    const login = data.password !== undefined && data.password !== null;
    if (before !== undefined && (login || row.email !== before.email)) {
      // Who sets the password of an account, or where its mails go, has the account.
      await checkGrants(view, before.scopes);
    }
    if (login) {
      checkPassword(String(data.password), Number((await view.by('config', 'name', 'user_pw_length'))?.value ?? 8));
      row.password = await hashPassword(data.password, view.secrets);
    } else {
      row.password = before?.password ?? null;
    }
    if (data.scopes !== undefined && data.scopes !== null) {
      await checkScopes(view, data.scopes, before?.scopes ?? role.scopes);
      row.scopes = data.scopes;
    } else {
      row.scopes = before?.scopes ?? role.scopes;
    }
    if (before === undefined) {
      row.points = Number((await view.by('config', 'name', 'points_default'))?.value ?? 0);
    }
    if (before !== undefined) {
      await keepAnAdministrator(view, before, row);
    }
  },
  async remove(row, view) {
    await keepAnAdministrator(view, row, undefined);
  },
  async extend(rows, entities, reading) {
    const owned = sql`user_id IN (SELECT value FROM json_each(${JSON.stringify(rows.map(({ id }) => id))})) AND status < 4`;
    const found = await reading.select(apps, owned);
    rows.forEach((row, position) => {
      entities[position]!.apps = found.filter(({ user_id }) => user_id === row.id).map(ownApp);
    });
  },
});

function ownApp({ id, status, name, url, app_key: appKey, date }: Row) {
  return { id, status, name, url, appKey, date };
}

/**
 * The last administrator (active, with that role, and with the scope `backend`) can neither be deleted nor made less. Two at
 * once cannot end each other either.
 */
async function keepAnAdministrator(view: View, before: Row, after: Row | undefined): Promise<void> {
  const role = await view.by('role', 'name', 'Administrator');
  const rules = (user: Row) => user.status === 1 && user.role_id === role?.id && user.scopes?.includes('backend');
  if (role === undefined || !rules(before) || (after !== undefined && rules(after))) {
    return;
  }
  const others = sql`${users.role_id} = ${role.id} AND ${users.status} = 1 AND ${users.id} <> ${before.id}
    AND EXISTS (SELECT 1 FROM json_each(${users.scopes}) WHERE value = 'backend')`;
  if ((await view.count(users, others)) === 0) {
    throw new ApiError('conflict', 'The last administrator cannot be removed');
  }
  view.guard({
    condition: `EXISTS (SELECT 1 FROM user WHERE tenant_id = ? AND role_id = ? AND status = 1
      AND EXISTS (SELECT 1 FROM json_each(user.scopes) WHERE value = 'backend'))`,
    values: [view.tenant, role.id],
  });
}

/** What passes as a mail address here and in Fusio: something before and something after an `@`. */
export function isMailAddress(text: string): boolean {
  return /^[^\s@]+@[^\s@]+\.?[^\s@]*$/.test(text);
}

/** Throws ApiError with Fusio's wording when a password is too short or holds other than printable ASCII (0x21–0x7E). */
export function checkPassword(password: string, minimum: number): void {
  const length = Math.max(8, minimum);
  if (password.length < length) {
    throw invalidAt('/password', `Password must have at least ${length} characters`);
  }
  if (!/^[\x21-\x7e]+$/.test(password)) {
    throw invalidAt('/password', 'Password must contain only printable ascii characters (0x21-0x7E)');
  }
}
