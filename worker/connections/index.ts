import type { ConnectionType } from './define.ts';
import { http } from './http.ts';
import { system } from './system.ts';

/** The registry: a new connection type is a file and a line here. */
export const connectionTypes: readonly ConnectionType<any>[] = [http, system];

const byClass = new Map(connectionTypes.map((type) => [type.class, type]));

/** By Fusio's class name, with dots or backslashes. */
export function connectionType(name: string): ConnectionType<any> | undefined {
  return byClass.get(name.replaceAll('\\', '.'));
}
