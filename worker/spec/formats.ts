import type { Description } from './description.ts';
import { openApiOf } from './spec-openapi.ts';
import { typeApiOf } from './spec-typeapi.ts';

/** A kind of document that `/system/generator/:type` makes. A new one is a file and a line in `formats`. */
export interface Format {
  contentType: string;
  render(description: Description): string;
}

/** By Fusio's names; the part behind the hyphen is enough to ask for one. */
export const formats: Readonly<Record<string, Format>> = {
  'spec-typeapi': json('application/json', typeApiOf),
  'spec-openapi': json('application/json', openApiOf),
};

function json(contentType: string, make: (description: Description) => unknown): Format {
  return { contentType, render: (description) => JSON.stringify(make(description), null, 2) };
}

/** A format by its name or the part of it that is enough. */
export function formatOf(type: string): Format | undefined {
  const name = Object.keys(formats).find((known) => known === type || known.slice(known.indexOf('-') + 1) === type);
  return name === undefined ? undefined : formats[name];
}
