import { baseUrlOf } from '../../core/base-url.ts';
import type { Call } from '../../core/call.ts';
import type { SystemOperation } from '../../core/system-operation.ts';

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

function about(call: Call) {
  const { snapshot, runtime, url } = call;
  const text = (name: string) => String(snapshot.config(name) ?? '');
  const base = baseUrlOf(runtime.env, url);
  const links: [string, string][] = [
    ['root', `${base}/`],
    ['jwks', `${base}/.well-known/jwks.json`],
    ['authorization', `${base}/.well-known/oauth-authorization-server`],
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
    categories: ['authorization', 'backend', 'consumer', 'default', 'system'],
    scopes: ['default'],
    links: links.map(([rel, href]) => ({ rel, href })),
  };
}
