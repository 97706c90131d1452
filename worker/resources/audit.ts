import { Type } from 'typebox';
import { defineResource, toSeconds } from './define.ts';
import { audits } from './tables.ts';

/** Who changed what, and when. Rows are written with the change itself. */
export const audit = defineResource({
  name: 'audit',
  title: 'Audit',
  description: 'A change of the management API: who made it, what, when.',
  table: audits,
  versioned: false,
  search: 'message',
  unique: {},
  verbs: [],
  fields: {
    appId: { schema: Type.Integer({ description: 'App' }), hidden: true },
    userId: { schema: Type.Integer({ description: 'User' }), hidden: true },
    event: { schema: Type.String({ description: 'What happened, <entity>.<verb>' }), list: true },
    ip: { schema: Type.String({ description: 'From where' }), list: true },
    message: { schema: Type.String({ description: 'In words' }), list: true },
    content: { schema: Type.Unknown({ description: 'Of what' }) },
    date: { schema: Type.String({ description: 'When' }), list: true, show: toSeconds },
  },
});
