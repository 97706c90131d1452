import { main } from './main.ts';

process.on('SIGINT', () => process.exit(130));
// A reader that went away (`postern logs | head`) is no failure.
process.stdout.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? 0 : 1));
process.exitCode = await main(process.argv.slice(2));
