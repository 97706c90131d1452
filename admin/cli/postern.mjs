#!/usr/bin/env node
// The command `postern`: hands over to postern.ts on a Node that runs TypeScript (admin/host/with-node.mjs finds it).
import { fileURLToPath } from 'node:url';

process.argv.splice(2, 0, fileURLToPath(new URL('./postern.ts', import.meta.url)));
await import('../host/with-node.mjs');
