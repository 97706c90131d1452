import { sqliteTable, text } from 'drizzle-orm/sqlite-core';
import { Type } from 'typebox';
import { invalidAt } from '../core/errors.ts';
import { identity, json, uniqueActive } from './columns.ts';
import { defineResource, metadataField, titleField, toSeconds } from './define.ts';
import { seededPages } from './page-texts.ts';

export const pages = sqliteTable(
  'page',
  {
    ...identity,
    title: text().notNull(),
    slug: text().notNull(),
    content: text().notNull().default(''),
    metadata: json(),
    date: text().notNull(),
  },
  (table) => [uniqueActive('page_slug', table, 'slug')],
);

/** A text of the developer portal, found by its slug. */
export const page = defineResource({
  name: 'page',
  title: 'Page',
  description: 'A text of the developer portal.',
  table: pages,
  versioned: false,
  named: 'slug',
  search: 'title',
  order: { column: 'slug', direction: 'asc' },
  unique: { slug: 'Page already exists' },
  seeded: seededPages.map(({ slug }) => slug),
  fields: {
    status: {
      schema: Type.Integer({ description: '1 visible, 2 invisible', minimum: 1, maximum: 2 }),
      list: true,
      initial: 1,
    },
    title: titleField('Title', 255),
    slug: {
      schema: Type.String({ description: 'Address of the page; made of the title unless given', maxLength: 255 }),
      list: true,
    },
    content: { schema: Type.String({ description: 'Text, HTML or Markdown', maxLength: 500_000 }), initial: '' },
    metadata: metadataField,
    date: { schema: Type.String({ description: 'When the page was created' }), list: true, readonly: true },
  },
  async prepare({ view, row, before, data }) {
    row.content ??= '';
    row.date = before?.date ?? toSeconds(new Date(view.now).toISOString());
    const derived = before === undefined || before.slug === slugOf(before.title);
    if (typeof data.slug === 'string' && data.slug !== '') {
      row.slug = slugOf(data.slug);
    } else {
      row.slug = derived ? slugOf(row.title) : before!.slug;
    }
    if (row.slug === '') {
      throw invalidAt('/slug', 'The title or slug of a page must contain a letter or digit', 'pattern');
    }
  },
});

/** `Getting started!` → `getting-started`; accents are taken off. */
function slugOf(title: string): string {
  return title
    .normalize('NFKD')
    .toLowerCase()
    .replace(/\p{M}+/gu, '')
    .replace(/[^\p{L}\p{N}]+/gu, '-')
    .replace(/^-+|-+$/g, '');
}
