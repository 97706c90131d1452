import { type TObject, Type } from 'typebox';

/** A class of identity providers and the form of its configuration. */
export interface IdentityProvider {
  class: string;
  name: string;
  config: TObject;
}

const client = {
  client_id: Type.String({ title: 'Client ID', description: 'Id of the app at the provider' }),
  client_secret: Type.String({ title: 'Client secret', description: 'Secret of the app', secret: true }),
};

const endpoints = {
  authorization_uri: Type.String({ title: 'Authorization url', description: 'Where users agree', input: 'url' }),
  token_uri: Type.String({ title: 'Token url', description: 'Where a code becomes a token', input: 'url' }),
  user_info_uri: Type.String({ title: 'User info url', description: 'Where the token tells who it is', input: 'url' }),
};

const properties = {
  id_property: Type.String({ title: 'Id property', description: 'Member of the user info with the id of the user' }),
  name_property: Type.String({ title: 'Name property', description: 'Member with the name' }),
  email_property: Type.String({ title: 'Email property', description: 'Member with the mail address' }),
};

const config = Type.Object({ ...client, ...endpoints, ...properties });
const provider = (name: string, title: string): IdentityProvider => ({
  class: `Fusio.Impl.Provider.Identity.${name}`,
  name: title,
  config,
});

/** Every provider that an identity can have. */
export const identityProviders: readonly IdentityProvider[] = [
  provider('Facebook', 'Facebook'),
  provider('Fusio', 'Fusio'),
  provider('Github', 'GitHub'),
  provider('Google', 'Google'),
  provider('OpenIDConnect', 'OpenID-Connect'),
];
