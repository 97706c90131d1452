import { integer, sqliteTable, text } from 'drizzle-orm/sqlite-core';
import { Type } from 'typebox';
import { invalidAt } from '../core/errors.ts';
import { durationSeconds } from '../lib/duration.ts';
import { checkRole } from './authority.ts';
import { identity, json, uniqueActive } from './columns.ts';
import { defineResource, nameField, type Row } from './define.ts';
import type { View } from './view.ts';

export const configs = sqliteTable(
  'config',
  {
    ...identity,
    type: integer().notNull(),
    name: text().notNull(),
    description: text().notNull(),
    value: json(),
  },
  (table) => [uniqueActive('config_name', table, 'name')],
);

/** Types of values as Fusio numbers them. */
export const configTypes = { string: 1, boolean: 2, number: 3, datetime: 4, email: 5, text: 6, secret: 7 } as const;

/** A setting of the installation. */
export const config = defineResource({
  name: 'config',
  title: 'Config',
  description: 'A setting of the installation.',
  table: configs,
  versioned: true,
  order: { column: 'name', direction: 'asc' },
  verbs: ['update'],
  fields: {
    type: { schema: Type.Integer({ description: 'Type of the value' }), list: true, readonly: true },
    name: { ...nameField('a-zA-Z0-9_', 3, 64), readonly: true },
    description: { schema: Type.String({ description: 'What the setting does' }), list: true, readonly: true },
    value: { schema: Type.Unsafe({ type: ['string', 'number', 'boolean'], description: 'Value' }), list: true },
  },
  async prepare({ view, row, before }) {
    const number = row.type === configTypes.number;
    if (number && typeof row.value === 'string' && row.value.trim() !== '' && Number.isFinite(Number(row.value))) {
      row.value = Number(row.value);
    }
    const expected = number ? 'number' : row.type === configTypes.boolean ? 'boolean' : 'string';
    if (row.value !== null && typeof row.value !== expected) {
      const message = `The value of ${row.name} must be a ${expected}`;
      throw invalidAt('/value', message, 'type');
    }
    if (row.value !== before?.value) {
      await checkMeaning(view, row);
    }
  },
});

const durations = new Set(['expire_token', 'expire_refresh', 'firewall_findtime', 'firewall_bantime']);

/** Settings that name a role or a time must name one. */
async function checkMeaning(view: View, row: Row): Promise<void> {
  if (row.name === 'role_default') {
    const role = await view.by('role', 'name', String(row.value));
    if (role === undefined) {
      throw invalidAt('/value', 'Provided role does not exist', 'reference');
    }
    await checkRole(view, role);
  }
  if (durations.has(String(row.name))) {
    try {
      durationSeconds(String(row.value));
    } catch (thrown) {
      throw invalidAt('/value', thrown instanceof Error ? thrown.message : String(thrown), 'duration');
    }
  }
}

/** The settings that every tenant starts with: name, type, value, meaning. The order gives Fusio's ids. */
export const seededConfig: readonly [string, keyof typeof configTypes, string | number | boolean, string][] = [
  [
    'app_approval',
    'boolean',
    false,
    'If true the status of a new app is PENDING so that an administrator has to manually activate the app',
  ],
  ['consumer_max_apps', 'number', 16, 'The max amount of apps a consumer can generate'],
  ['consumer_max_tokens', 'number', 16, 'The max amount of tokens a consumer can generate'],
  ['consumer_max_webhooks', 'number', 8, 'The max amount of webhooks a consumer can register'],
  ['authorization_url', 'string', '', 'Url where the user can authorize for the OAuth2 flow'],
  ['info_title', 'string', 'Postern', 'The title of the application'],
  [
    'info_description',
    'string',
    'API management at the edge.',
    'A short description of the application. CommonMark syntax MAY be used for rich text representation',
  ],
  ['info_tos', 'string', '', 'A URL to the Terms of Service for the API. MUST be in the format of a URL'],
  ['info_contact_name', 'string', '', 'The identifying name of the contact person/organization'],
  ['info_contact_url', 'string', '', 'The URL pointing to the contact information. MUST be in the format of a URL'],
  [
    'info_contact_email',
    'string',
    '',
    'The email address of the contact person/organization. MUST be in the format of an email address',
  ],
  ['info_license_name', 'string', '', 'The license name used for the API'],
  ['info_license_url', 'string', '', 'A URL to the license used for the API. MUST be in the format of a URL'],
  ['mail_register_subject', 'string', 'Activate your account', 'Subject of the activation mail'],
  [
    'mail_register_body',
    'text',
    'Hello {name},\n\nthank you for registering. Please activate your account here:\n{apps_url}/developer/register/activate/{token}',
    'Body of the activation mail',
  ],
  ['mail_pw_reset_subject', 'string', 'Reset your password', 'Subject of the password reset mail'],
  [
    'mail_pw_reset_body',
    'text',
    'Hello {name},\n\nsomebody asked for a new password for your account. Set one here:\n{apps_url}/developer/password/confirm/{token}\n\nIf it was not you, nothing needs to be done.',
    'Body of the password reset mail',
  ],
  ['mail_points_subject', 'string', 'Your points are running low', 'Subject of the points threshold mail'],
  [
    'mail_points_body',
    'text',
    'Hello {name},\n\nyour account has {points} points left. Without points some operations refuse your calls. Buy more here:\n{apps_url}/developer',
    'Body of the points threshold mail',
  ],
  ['recaptcha_key', 'string', '', 'ReCaptcha Key'],
  ['recaptcha_secret', 'secret', '', 'ReCaptcha Secret'],
  ['payment_stripe_secret', 'secret', '', 'The stripe webhook secret which is needed to verify a webhook request'],
  ['payment_stripe_portal_configuration', 'string', '', 'The stripe portal configuration id'],
  ['payment_currency', 'string', '', 'The three-character ISO-4217 currency code which is used to process payments'],
  ['role_default', 'string', 'Consumer', 'Default role which a user gets assigned on registration'],
  ['points_default', 'number', 0, 'The default amount of points which a user receives if he registers'],
  ['points_threshold', 'number', 0, 'If a user goes below this points threshold we send an information to the user'],
  ['system_mailer', 'string', '', 'Connection that sends mail; empty: the mail binding'],
  ['system_dispatcher', 'string', '', 'Connection that gets events instead of the own delivery'],
  ['user_pw_length', 'number', 8, 'Minimal required password length'],
  ['user_approval', 'boolean', true, 'Whether the user needs to activate the account through an email'],
  ['marketplace_client_id', 'string', '', 'Client id at the marketplace'],
  ['marketplace_client_secret', 'secret', '', 'Client secret at the marketplace'],
  ['sdkgen_client_id', 'string', '', 'Client id at the SDK generator service'],
  ['sdkgen_client_secret', 'secret', '', 'Client secret at the SDK generator service'],
  ['typehub_client_id', 'string', '', 'Client id at TypeHub'],
  ['typehub_client_secret', 'secret', '', 'Client secret at TypeHub'],
  ['typehub_document_name', 'string', '', 'Document at TypeHub that the specification is published under'],
  ['log_sample', 'number', 1, 'Share of successful calls that get a row in the request log, 0 to 1; errors always do'],
  ['log_retention_days', 'number', 60, 'Days that the request log is kept'],
  ['log_bodies', 'boolean', false, 'Whether the request log keeps request bodies'],
  ['expire_token', 'string', 'P2D', 'How long an access token lives, ISO 8601 duration'],
  ['expire_refresh', 'string', 'P3D', 'How long a refresh token lives, ISO 8601 duration'],
  ['firewall_maxretry', 'number', 32, 'Errors of one address after which it is denied for a while; 0: never'],
  ['firewall_findtime', 'string', 'PT2M', 'Time within which errors are counted, ISO 8601 duration'],
  ['firewall_bantime', 'string', 'PT5M', 'How long an address is denied for its errors, ISO 8601 duration'],
  ['firewall_codes', 'string', '', 'Statuses that count as errors, comma separated; empty: 400 to 499'],
  ['firewall_ignoreip', 'string', '', 'Addresses that are never denied for errors, comma separated'],
  [
    'revocation_unreachable',
    'string',
    'accept',
    'When revocations cannot be checked, signed tokens are accepted or refused: accept, refuse',
  ],
];
