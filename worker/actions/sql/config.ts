import { Type } from 'typebox';

// Members that the SQL actions share, as Fusio names them.

/** A name, or an id as older configurations have it. */
export const connection = Type.Optional(
  Type.Unsafe<string | number>({
    type: ['string', 'integer'],
    title: 'Connection',
    description: 'The SQL connection which should be used; System unless given',
    connection: true,
  }),
);

/** Optional like the rest, for configurations are saved before they are complete; a run says what is missing. */
export const table = Type.Optional(Type.String({ title: 'Table', description: 'Name of the table' }));

export const mapping = Type.Optional(
  Type.Record(Type.String(), Type.String(), {
    title: 'Mapping',
    description:
      'Column → property. <code>author_id</code> → <code>author:object</code> stands for the entry that the column refers to, and any name → <code>tags:array:RELATION:OWN_COLUMN:OTHER_COLUMN</code> (or <code>map</code>) for those of a table of relations',
  }),
);

export const columns = Type.Optional(
  Type.Array(Type.String(), { title: 'Columns', description: 'Columns that are read, all unless given' }),
);

export const limit = Type.Optional(
  Type.Unsafe<string | number>({
    type: ['integer', 'string'],
    title: 'Limit',
    description: 'Most rows of a page, 16 unless given, 1024 at most',
    input: 'number',
  }),
);

export const sql = Type.Optional(
  Type.String({
    title: 'SQL',
    description:
      'A query. <code>{id}</code> or <code>:id</code> is the argument of that name, <code>{%q%}</code> the same with anything before and after it (behind LIKE), <code>{user_id}</code> and <code>{user_name}</code> who calls; all are bound',
    mode: 'sql',
  }),
);
