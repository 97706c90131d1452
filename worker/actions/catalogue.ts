import { type TSchema, Type } from 'typebox';
import { ApiError } from '../core/errors.ts';
import type { ActionType } from './define.ts';

type Members = Record<string, TSchema>;

function entry(name: string, className: string, missing: string, members: Members): ActionType {
  const optional = Object.entries(members).map(([member, schema]) => [member, Type.Optional(schema)] as const);
  return {
    class: `Fusio.Adapter.${className}`,
    name,
    description: `Can be configured and saved. It does not run yet: ${missing} is missing.`,
    config: Type.Object(Object.fromEntries(optional)),
    async run(_input, _config, { action }) {
      throw new ApiError('not_configured', `The action "${action}" (${name}) cannot run here: ${missing} is missing`);
    },
  };
}

/** Numbers are ids, as older configurations have them. */
const connection = Type.Unsafe<string | number>({
  type: ['string', 'integer'],
  title: 'Connection',
  description: 'Connection that is used',
  connection: true,
});
const action = (title: string, description: string) =>
  Type.Unsafe<string | number>({ type: ['string', 'integer'], title, description, action: true });
const text = (title: string, description: string, more: Record<string, unknown> = {}) =>
  Type.String({ title, description, ...more });
const number = (title: string, description: string) =>
  Type.Unsafe<string | number>({ type: ['integer', 'number', 'string'], title, description, input: 'number' });
const list = (title: string, description: string) => Type.Array(Type.String(), { title, description });
const code = (title: string, description: string, mode: string) => text(title, description, { mode });

function util(): ActionType[] {
  const on = (name: string, suffix: string, missing: string, members: Members) =>
    entry(name, `Util.Action.${suffix}`, missing, members);
  const patch = (title: string, description: string) => code(title, description, 'json');
  return [
    on('Util-Cache', 'UtilCache', 'the cache', {
      action: action('Action', 'Action whose answer is kept'),
      expire: number('Expire', 'Seconds that an answer is kept'),
      connection,
    }),
    on('Util-Chain', 'UtilChain', 'the chain', {
      a: action('Action A', 'Action that runs first'),
      b: action('Action B', 'Action that runs second'),
      c: action('Action C', 'Action that runs third'),
      d: action('Action D', 'Action that runs fourth'),
    }),
    on('Util-Condition', 'UtilCondition', 'the engine of conditions', {
      condition: text('Condition', 'Expression over request and context'),
      true: action('True', 'Runs when the condition holds'),
      false: action('False', 'Runs when it does not'),
    }),
    on('Util-A/B-Test', 'UtilABTest', 'the draw', {
      a: action('Action A', 'Runs for the share below'),
      b: action('Action B', 'Runs for the others'),
      percentage: number('Percentage', 'Share of calls that run action A'),
    }),
    on('Util-Template', 'UtilTemplate', 'the template engine for this class', {
      context: action('Context', 'Action whose answer the template gets'),
      content_type: text('Content-Type', 'Type of the answer, text/html unless given'),
      template: code('Template', 'Template of the answer', 'twig'),
    }),
    on('Util-JSON-Patch', 'UtilJsonPatch', 'the patch engine', {
      action: action('Action', 'Action that runs in between'),
      patch: patch('Patch', 'Changes of the payload (RFC 6902)'),
      response_patch: patch('Response patch', 'Changes of the answer (RFC 6902)'),
    }),
  ];
}

function worker(): ActionType[] {
  const members = (language: string) => ({
    worker: Type.Unsafe<string | number>({
      type: ['string', 'integer'],
      title: 'Worker',
      description: 'Connection to the worker',
      connection: true,
    }),
    code: code('Code', 'Code that the worker runs', language),
  });
  return (
    [
      ['Java', 'java'],
      ['Javascript', 'javascript'],
      ['PHP', 'php'],
      ['Python', 'python'],
    ] as const
  ).map(([name, language]) =>
    entry(`Worker-${name}`, `Worker.Action.Worker${name}`, 'the client of workers', members(language)),
  );
}

/** Fusio runs these on its own machine; there is none here. */
function local(): ActionType[] {
  const missing = 'a machine to run programs on';
  return [
    entry('Worker-PHP-Local', 'Worker.Action.WorkerPHPLocal', missing, {
      code: code('Code', 'PHP code that runs', 'php'),
    }),
    entry('PHP-Sandbox', 'Php.Action.PhpSandbox', missing, { code: code('Code', 'PHP code that runs', 'php') }),
    entry('PHP-Processor', 'Php.Action.PhpProcessor', missing, { file: text('File', 'Path of a PHP file') }),
    entry('CLI-Processor', 'Cli.Action.CliProcessor', missing, {
      command: text('Command', 'Command that runs'),
      type: text('Type', 'Type of its output'),
      env: text('Environment', 'Environment variables, as a query string'),
      cwd: text('Working directory', 'Where it runs'),
      timeout: number('Timeout', 'Seconds that it may run'),
    }),
    entry('FastCGI-Processor', 'Fcgi.Action.FcgiProcessor', 'the FastCGI client', {
      host: text('Host', 'Host of the FastCGI server'),
      port: number('Port', 'Port of the FastCGI server'),
      script: text('Script', 'Path of the script'),
    }),
  ];
}

function file(): ActionType[] {
  const missing = 'the file store';
  const directory = text('Directory', 'Directory, where there is no connection');
  const delimiter = text('Delimiter', 'Delimiter of a CSV file');
  return [
    entry('File-Processor', 'File.Action.FileProcessor', missing, {
      connection,
      file: text('File', 'Path of the file'),
    }),
    entry('File-Directory-Get', 'File.Action.FileDirectoryGet', missing, { connection, directory, delimiter }),
    entry('File-Directory-GetAll', 'File.Action.FileDirectoryGetAll', missing, { connection, directory, delimiter }),
    entry('File-Directory-Upload', 'File.Action.FileDirectoryUpload', missing, { connection, directory }),
  ];
}

function brokers(): ActionType[] {
  return [
    entry('AMQP-Publish', 'Amqp.Action.AmqpPublish', 'the AMQP client', {
      connection,
      exchange: text('Exchange', 'Exchange that gets the payload'),
      queue: text('Queue', 'Queue that gets the payload'),
    }),
    entry('Beanstalk-Publish', 'Beanstalk.Action.BeanstalkPublish', 'the Beanstalk client', {
      connection,
      tube: text('Tube', 'Tube that gets the payload'),
    }),
    entry('SMTP-Send', 'Smtp.Action.SmtpSend', 'the SMTP client', {
      connection,
      to: list('To', 'Mail addresses of the recipients'),
      cc: list('Cc', 'Mail addresses that get a copy'),
      bcc: list('Bcc', 'Mail addresses that get a hidden copy'),
      from: text('From', 'Mail address of the sender'),
      subject: text('Subject', 'Subject of the mail'),
      body: code('Body', 'Template of the text', 'twig'),
    }),
  ];
}

function stores(): ActionType[] {
  const key = text('Key', 'Key of the hash');
  const collection = text('Collection', 'Name of the collection');
  const index = text('Index', 'Name of the index');
  return [
    ...['Delete', 'Get', 'GetAll', 'Set'].map((verb) =>
      entry(`Redis-Hash-${verb}`, `Redis.Action.RedisHash${verb}`, 'the Redis client', { connection, key }),
    ),
    ...['Delete-One', 'Find-All', 'Find-One', 'Insert-One', 'Update-One'].map((verb) =>
      entry(`MongoDB-${verb}`, `Mongodb.Action.Mongo${verb.replace('-', '')}`, 'the MongoDB client', {
        connection,
        collection,
      }),
    ),
    ...['Delete', 'Get', 'GetAll', 'Update'].map((verb) =>
      entry(`Elasticsearch-${verb}`, `Elasticsearch.Action.Elasticsearch${verb}`, 'the Elasticsearch client', {
        connection,
        index,
        ...(verb === 'GetAll' ? { size: number('Size', 'Documents of a page') } : {}),
      }),
    ),
  ];
}

function others(): ActionType[] {
  return [
    entry('GraphQL-Processor', 'GraphQL.Action.GraphQLProcessor', 'the GraphQL client', {
      url: text('URL', 'Endpoint that the query of the caller goes to', { input: 'url' }),
    }),
    entry('GraphQL-Query', 'GraphQL.Action.GraphQLQuery', 'the GraphQL client', {
      connection,
      operation_name: text('Operation', 'Name of the operation in the query'),
      query: code('Query', 'Query; arguments of the call are its variables', 'graphql'),
    }),
    entry('Agent-Call', 'Ai.Action.AgentCall', 'running agents', { agent: text('Agent', 'Name of the agent') }),
  ];
}

/**
 * Classes of Fusio's that can be chosen, configured and saved, so that configurations can be moved here, and that do not run
 * yet: running one answers 503 `not_configured` and names what is missing. A class leaves this list for a file of its own.
 */
export const catalogue: readonly ActionType[] = [
  ...util(),
  ...worker(),
  ...local(),
  ...file(),
  ...brokers(),
  ...stores(),
  ...others(),
];
