/** A JSON Schema draft, by what differs when schemas of it are read. */
export interface Dialect {
  name: 'draft-04' | 'draft-07' | '2019-09' | '2020-12';
  /** The keyword that names a resource. */
  idKeyword: '$id' | 'id';
  /** `$ref` hides the keywords beside it (up to draft 7). */
  lonelyRef: boolean;
  /** Keywords of this draft that another one of the table lacks or reads otherwise. */
  has(keyword: string): boolean;
}

/** How a keyword holds schemas: itself, in a list, in a map, or (older drafts) either of two. */
export type Holding = 'one' | 'list' | 'map' | 'one-or-list' | 'map-or-names';

/** Every keyword that holds schemas. */
const holdings: Record<string, Holding> = {
  $defs: 'map',
  definitions: 'map',
  additionalItems: 'one',
  additionalProperties: 'one',
  allOf: 'list',
  anyOf: 'list',
  contains: 'one',
  contentSchema: 'one',
  dependencies: 'map-or-names',
  dependentSchemas: 'map',
  else: 'one',
  if: 'one',
  items: 'one-or-list',
  not: 'one',
  oneOf: 'list',
  patternProperties: 'map',
  prefixItems: 'list',
  properties: 'map',
  propertyNames: 'one',
  // biome-ignore lint/suspicious/noThenProperty: the keyword
  then: 'one',
  unevaluatedItems: 'one',
  unevaluatedProperties: 'one',
};

// Only keywords that some draft lacks are listed; the rest belong to all.
const since2019 = [
  '$anchor',
  '$defs',
  'contentSchema',
  'dependentRequired',
  'dependentSchemas',
  'maxContains',
  'minContains',
  'unevaluatedItems',
  'unevaluatedProperties',
];
const since2020 = ['$dynamicAnchor', '$dynamicRef', 'prefixItems'];
const only2019 = ['$recursiveAnchor', '$recursiveRef'];
const before2020 = ['additionalItems'];

function dialect(name: Dialect['name'], idKeyword: Dialect['idKeyword'], lonelyRef: boolean, lacks: string[]): Dialect {
  const lacking = new Set(lacks);
  return { name, idKeyword, lonelyRef, has: (keyword) => !lacking.has(keyword) };
}

const newer = [...since2019, ...since2020, ...only2019];

export const dialects = {
  'draft-04': dialect('draft-04', 'id', true, newer),
  'draft-07': dialect('draft-07', '$id', true, newer),
  '2019-09': dialect('2019-09', '$id', false, since2020),
  '2020-12': dialect('2020-12', '$id', false, [...only2019, ...before2020]),
} satisfies Record<string, Dialect>;

/** The dialect that a `$schema` names, or undefined for one that is not built in. */
export function dialectOf(uri: string): Dialect | undefined {
  return byUri.get(uri.replace(/#$/, ''));
}

const byUri = new Map<string, Dialect>([
  ['http://json-schema.org/schema', dialects['2020-12']],
  ['http://json-schema.org/draft-04/schema', dialects['draft-04']],
  // Draft 7 is draft 6 with more keywords.
  ['http://json-schema.org/draft-06/schema', dialects['draft-07']],
  ['http://json-schema.org/draft-07/schema', dialects['draft-07']],
  ['https://json-schema.org/draft/2019-09/schema', dialects['2019-09']],
  ['https://json-schema.org/draft/2020-12/schema', dialects['2020-12']],
  ['https://spec.openapis.org/oas/3.1/dialect/base', dialects['2020-12']],
]);

/** How a keyword holds schemas in a dialect; undefined when it holds none. */
export function holdingOf(keyword: string, { has, name }: Dialect): Holding | undefined {
  if (!Object.hasOwn(holdings, keyword) || !has(keyword)) {
    return undefined;
  }
  return keyword === 'items' && name === '2020-12' ? 'one' : holdings[keyword];
}
