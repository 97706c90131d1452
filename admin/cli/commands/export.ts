import { basename, dirname, join } from 'node:path';
import { command } from '../command.ts';
import { type Export, saveFiles, writeExport } from '../deploy/write.ts';

/** Writes the whole configuration as files that deploy without a change. */
export const exportCommand = command({
  name: 'export',
  description: 'Write the configuration as a deploy file',
  args: {
    file: {
      type: 'positional',
      required: false,
      default: '.fusio.yml',
      description: 'Deploy file; large ones include others beside them; "-" for the standard output',
    },
    split: {
      type: 'boolean',
      description: 'A file for each section and schema, whatever the size',
      negativeDescription: 'One file, whatever the size',
    },
    force: { type: 'boolean', description: 'Overwrite files' },
  },
  async run({ args, client, output }) {
    const api = await client();
    const exported = await output.progress('Reading the configuration', null, () => api.get<Export>('/backend/deploy'));
    if (args.file === '-') {
      output.result(exported, () => writeExport(exported, '-', false)[0]!.text);
      return;
    }
    const folder = dirname(args.file);
    const files = writeExport(exported, basename(args.file), args.split);
    saveFiles(folder, files, args.force === true);
    const counts = Object.fromEntries(
      Object.entries(exported).map(([section, entries]) => [section, Object.keys(entries).length]),
    );
    output.result({ files: files.map((file) => join(folder, file.name)), counts }, () => {
      const entries = Object.entries(counts).map(([section, count]) => `${count} ${section}`);
      const more = files.length === 1 ? '' : ` and ${files.length - 1} files that it includes`;
      return `Wrote ${args.file}${more}: ${entries.join(', ')}`;
    });
  },
});
