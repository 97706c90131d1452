import type { TObject } from 'typebox';
import type { Egress } from '../core/ports.ts';
import type { Env } from '../env.ts';

export interface ConnectionContext {
  env: Env;
  /** Whose call it is: what a connection of the platform's own reaches is another one for each tenant. */
  tenant: string;
  egress: Egress;
  /** Aborts what is under way when the call's time is over. */
  timeout: number;
}

/** A connection type: one file each, one line in the registry (index.ts). A string member of `config` with `secret: true` is sealed at rest and write-only. */
export interface ConnectionType<Client = unknown> {
  /** Fusio's class name with dots: `Fusio.Adapter.Http.Connection.Http`. */
  class: string;
  /** Fusio's title: `HTTP`. */
  name: string;
  description: string;
  /** True for what the platform seeds and nobody may add: left out of class lists. */
  internal?: boolean;
  config: TObject;
  /** `config` has its secrets opened. */
  open(config: Record<string, any>, context: ConnectionContext): Promise<Client>;
  /** Throws when the other side does not answer; absent when there is nothing to ask. */
  ping?(client: Client): Promise<void>;
}

export function defineConnection<Client>(type: ConnectionType<Client>): ConnectionType<Client> {
  return type;
}
