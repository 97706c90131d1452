type Json = Record<string, unknown>;

/**
 * An API description without what no import reads: examples of bodies and parameters, tags and vendor extensions of
 * operations. GitHub's file shrinks to a third, which spares the line and the memory of the gateway. What is not as expected
 * stays, so that the gateway says what is wrong with it.
 */
export function slimDescription(document: unknown): unknown {
  if (!isObject(document)) {
    return document;
  }
  const { components, paths, ...rest } = document;
  for (const part of ['webhooks', 'x-webhooks']) {
    if (part in rest) {
      rest[part] = mapMembers(rest[part], () => ({}));
    }
  }
  return {
    ...rest,
    ...(paths === undefined ? {} : { paths: mapMembers(paths, slimItem) }),
    ...(components === undefined ? {} : { components: slimComponents(components) }),
  };
}

function slimComponents(components: unknown): unknown {
  if (!isObject(components)) {
    return components;
  }
  const { examples: _examples, links: _links, ...rest } = components;
  return {
    ...rest,
    ...('responses' in rest ? { responses: mapMembers(rest.responses, slimBody) } : {}),
    ...('requestBodies' in rest ? { requestBodies: mapMembers(rest.requestBodies, slimBody) } : {}),
  };
}

function slimItem(item: unknown): unknown {
  return mapMembers(item, (operation, key) =>
    ['get', 'put', 'post', 'patch', 'delete'].includes(key) && isObject(operation)
      ? slimOperation(operation)
      : operation,
  );
}

function slimOperation(operation: Json): Json {
  const kept = Object.entries(operation).filter(
    ([key]) => !key.startsWith('x-') && !['tags', 'externalDocs', 'callbacks'].includes(key),
  );
  const slim = Object.fromEntries(kept);
  return {
    ...slim,
    ...('requestBody' in slim ? { requestBody: slimBody(slim.requestBody) } : {}),
    ...('responses' in slim ? { responses: mapMembers(slim.responses, slimBody) } : {}),
  };
}

/** A request body or a response. */
function slimBody(body: unknown): unknown {
  if (!isObject(body)) {
    return body;
  }
  const { headers: _headers, links: _links, examples: _examples, ...rest } = body;
  return 'content' in rest ? { ...rest, content: mapMembers(rest.content, slimContent) } : rest;
}

function slimContent(content: unknown): unknown {
  if (!isObject(content)) {
    return content;
  }
  const { example: _example, examples: _examples, ...rest } = content;
  return rest;
}

function mapMembers(value: unknown, change: (member: unknown, key: string) => unknown): unknown {
  return isObject(value)
    ? Object.fromEntries(Object.entries(value).map(([key, member]) => [key, change(member, key)]))
    : value;
}

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
