import { Context, Liquid, type Template as Parsed } from 'liquidjs';

/** A parsed template (Liquid, whose `{{ a.b }}` is Twig's). Throws when rendering goes over the limits. */
export type Template = (scope: Record<string, unknown>) => string;

/** How a value is written into the text around it, so that it cannot become a part of its structure. */
export type Escaping = 'json' | 'xml' | 'form' | 'none';

/** Characters of a template, and of what it may make. */
const sizeLimit = 1024 * 1024;
/** Tags, outputs and texts that one rendering may pass: the clock stands still while a Worker computes, so they are counted. */
const stepLimit = 50_000;

/** Parses a template. Files cannot be included, prototypes not be reached. Throws with line and column when the syntax is wrong. */
export function parseTemplate(text: string, escaping: Escaping): Template {
  const engine = engines[escaping];
  const parsed = engine.parse(text);
  return (scope) => renderTemplate(engine, parsed, scope);
}

/** The escaping that a text of this media type needs. */
export function escapingFor(contentType: string): Escaping {
  const type = contentType.split(';', 1)[0]!.trim().toLowerCase();
  if (/[/+]json$/.test(type)) {
    return 'json';
  }
  if (/[/+]x?html$|[/+]xml$/.test(type)) {
    return 'xml';
  }
  return type === 'application/x-www-form-urlencoded' ? 'form' : 'none';
}

const escapes: Record<Escaping, ((value: unknown) => string) | undefined> = {
  // For use between quotes; numbers, objects and lists stand for themselves.
  json: (value) => (typeof value === 'string' ? JSON.stringify(value).slice(1, -1) : toJson(value)),
  xml: (value) => plain(value).replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`),
  form: (value) => encodeURIComponent(plain(value).toWellFormed()),
  none: undefined,
};

function engine(escaping: Escaping): Liquid {
  const liquid = new Liquid({
    templates: {},
    ownPropertyOnly: true,
    strictFilters: true,
    parseLimit: sizeLimit,
    memoryLimit: sizeLimit,
    renderLimit: 1_000,
    outputEscape: escapes[escaping],
  });
  // As the last filter they write a whole value, quotes and all. `json_encode` is what Twig calls it.
  liquid.registerFilter('json', { handler: toJson, raw: true });
  liquid.registerFilter('json_encode', { handler: toJson, raw: true });
  return liquid;
}

const engines: Record<Escaping, Liquid> = {
  json: engine('json'),
  xml: engine('xml'),
  form: engine('form'),
  none: engine('none'),
};

function renderTemplate(liquid: Liquid, parsed: Parsed[], scope: Record<string, unknown>): string {
  const context = new Context(scope, liquid.options, { sync: true });
  const { renderLimit } = context;
  const checkTime = renderLimit.check.bind(renderLimit);
  let steps = 0;
  renderLimit.check = (time) => {
    steps += 1;
    if (steps > stepLimit) {
      throw new Error(`The template takes more than ${stepLimit} steps`);
    }
    checkTime(time);
  };
  const text = String(liquid.renderSync(parsed, context));
  if (text.length > sizeLimit) {
    throw new Error(`The template makes more than ${sizeLimit} characters`);
  }
  return text;
}

function toJson(value: unknown): string {
  return JSON.stringify(value ?? null);
}

function plain(value: unknown): string {
  if (value === undefined || value === null) {
    return '';
  }
  return typeof value === 'object' ? toJson(value) : String(value);
}
