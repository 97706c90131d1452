import { baseUrlOf } from '../../core/base-url.ts';
import type { Call } from '../../core/call.ts';
import { categories, type SystemOperation } from '../../core/system-operation.ts';
import { contextOf } from '../../oauth/context.ts';
import { publicScopes } from '../../oauth/discovery.ts';

/** The root document: what this installation is and where its documents are. */
export const aboutOperations: readonly SystemOperation[] = [
  {
    name: 'meta.getAbout',
    method: 'GET',
    path: '/',
    description: 'Title, version and links',
    scope: null,
    run: async (call) => about(call),
  },
  {
    name: 'system.meta.getAbout',
    method: 'GET',
    path: '/system/about',
    description: 'Title, version and links',
    scope: null,
    run: async (call) => about(call),
  },
];

async function about(call: Call) {
  const { snapshot, runtime, url, tenant } = call;
  const text = (name: string) => String(snapshot.config(name) ?? '');
  const base = baseUrlOf(runtime.env, url, tenant);
  const links: [string, string][] = [
    ['root', `${base}/`],
    ['openapi', `${base}/system/generator/spec-openapi`],
    ['typeapi', `${base}/system/generator/spec-typeapi`],
    ['route', `${base}/system/route`],
    ['health', `${base}/system/health`],
    ['oauth2', `${base}/authorization/token`],
    ['whoami', `${base}/authorization/whoami`],
    ['api-catalog', `${base}/.well-known/api-catalog`],
    ['oauth-authorization-server', `${base}/.well-known/oauth-authorization-server`],
    ['oauth-protected-resource', `${base}/.well-known/oauth-protected-resource`],
    ['openid-configuration', `${base}/.well-known/openid-configuration`],
    ['jwks', `${base}/.well-known/jwks.json`],
  ];
  return {
    apiVersion: '8.8.4',
    title: text('info_title'),
    description: text('info_description'),
    termsOfService: text('info_tos') || undefined,
    contactName: text('info_contact_name') || undefined,
    contactUrl: text('info_contact_url') || undefined,
    contactEmail: text('info_contact_email') || undefined,
    licenseName: text('info_license_name') || undefined,
    licenseUrl: text('info_license_url') || undefined,
    paymentCurrency: text('payment_currency') || 'EUR',
    categories: Object.keys(categories).sort(),
    scopes: await publicScopes(contextOf(call)),
    apps: {},
    links: links.map(([rel, href]) => ({ rel, href })),
  };
}
