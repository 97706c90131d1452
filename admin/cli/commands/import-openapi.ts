import { basename } from 'node:path';
import { isAlias, isMap, isScalar, isSeq, LineCounter, type Node, parseDocument } from 'yaml';
import type { Client } from '../client.ts';
import { command } from '../command.ts';
import { locateJson, placeOf } from '../deploy/place.ts';
import { parseText, readText } from '../document.ts';
import { Failure, type Place } from '../failure.ts';
import { type Generated, generatedApiOptions, showGenerated } from '../generated.ts';
import type { Output } from '../output.ts';
import { slimDescription } from '../slim-description.ts';
import { uploadJson } from '../upload.ts';

/** Descriptions over this go up in parts, bytes. */
const inlineLimit = 500_000;

const generator = '/backend/generator/Fusio.Impl.Provider.Generator.OpenAPI';

/** Makes schemas, actions and operations out of an OpenAPI or Swagger description: one publish. */
export const importOpenApi = command({
  name: 'openapi',
  description:
    'Import an OpenAPI 3 or Swagger 2 description: its operations become proxies to the API that it describes',
  args: {
    file: {
      type: 'positional',
      required: true,
      description: 'JSON or YAML file, http(s) URL, or "-" for the standard input',
    },
    prefix: {
      type: 'string',
      description: 'Path in front of all routes; begins the names as well',
      valueHint: '/PATH',
    },
    server: {
      type: 'string',
      description: 'Base URL of the API, instead of the one in the description',
      valueHint: 'URL',
    },
    connection: {
      type: 'string',
      description: 'HTTP connection with url and credentials of the API',
      valueHint: 'NAME',
    },
    ...generatedApiOptions,
  },
  async run({ args, client, output, values }) {
    const text = await readText(args.file, output);
    const document = parseText(args.file, text);
    const api = await client();
    const scopes = values('scope');
    const plan = args.plan === true;
    const body = {
      path: args.prefix ?? '',
      scopes: scopes.length > 0 ? scopes : ['default'],
      public: args.public === true,
      update: args.update === true,
      message: args.message ?? `Imported ${basename(args.file)}`.slice(0, 500),
      config: { spec: await send(api, output, document), server: args.server, connection: args.connection },
    };
    const title = plan ? 'Comparing' : 'Importing';
    const answer = await output
      .progress(title, null, () => api.send<Generated>(plan ? 'PUT' : 'POST', generator, body))
      .catch((thrown) => {
        throw thrown instanceof Failure ? placed(thrown, args.file, text) : thrown;
      });
    output.result(plan ? answer : { ...answer, plan }, () => showGenerated(answer, plan));
  },
});

/** The description for the request: itself, or the name of its upload. */
async function send(api: Client, output: Output, document: unknown): Promise<string> {
  const slim = slimDescription(document);
  const text = JSON.stringify(slim ?? null);
  return text.length > inlineLimit
    ? `upload:${await uploadJson(api, output, 'Uploading the description', slim)}`
    : text;
}

/** Says each complaint at the line of the description that it is about. */
function placed(failure: Failure, file: string, text: string): Failure {
  const complaints = failure.complaints.map((complaint) => {
    const pointer = /^\/body\/config\/spec(\/.*|)$/.exec(complaint.pointer ?? '')?.[1];
    return pointer === undefined ? complaint : { ...complaint, pointer, place: locate(file, text, pointer) };
  });
  const taken = complaints.some((complaint) => complaint.rule === 'unique');
  const message = taken ? `${failure.message}. With --update, what exists is updated` : failure.message;
  const kind = failure.exit === 3 ? 'access' : failure.exit === 4 ? 'unavailable' : 'refused';
  return new Failure(kind, message, { complaints, status: failure.status });
}

let parsed: { text: string; root: Node | null; lines: LineCounter } | undefined;

function locate(file: string, text: string, pointer: string): Place {
  if (/^\s*[{[]/.test(text)) {
    return placeOf(file, text, locateJson(text, pointer));
  }
  if (parsed?.text !== text) {
    const lines = new LineCounter();
    parsed = { text, root: parseDocument(text, { lineCounter: lines }).contents as Node | null, lines };
  }
  let node = parsed.root;
  let offset = node?.range?.[0] ?? 0;
  for (const key of pointer.split('/').slice(1)) {
    const name = key.replaceAll('~1', '/').replaceAll('~0', '~');
    if (isSeq(node)) {
      node = (node.items[Number(name)] as Node | undefined) ?? null;
      offset = node?.range?.[0] ?? offset;
      continue;
    }
    const pair = isMap(node)
      ? node.items.find((item) => isScalar(item.key) && String(item.key.value) === name)
      : undefined;
    if (pair === undefined) {
      break;
    }
    offset = (pair.key as Node).range?.[0] ?? offset;
    node = pair.value as Node | null;
    if (isAlias(node)) {
      break;
    }
  }
  const { line, col } = parsed.lines.linePos(offset);
  return { file, line, column: col };
}
