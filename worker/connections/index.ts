import { catalogue } from './catalogue.ts';
import type { ConnectionType } from './define.ts';
import { http } from './http.ts';
import { system } from './system.ts';

/** The registry: a new connection type is a file and a line here. The catalogue holds those that cannot be opened yet. */
export const connectionTypes: readonly ConnectionType<any>[] = [http, system, ...catalogue];

const byClass = new Map(connectionTypes.map((type) => [type.class, type]));

/** By Fusio's class name, with dots or backslashes. */
export function connectionType(name: string): ConnectionType<any> | undefined {
  return byClass.get(name.replaceAll('\\', '.'));
}
